"""``prefail train | promote | reject | backtest | verify | rollback``: models, and what a list is made of."""

import argparse
import datetime as dt
import getpass

from pipelines.approval import Answer
from pipelines.commands.day_span_runner import add_day_arguments, chosen_days
from pipelines.commands.output import print_line
from pipelines.day_runs import open_settings_lake
from pipelines.day_span import parse_day, split_span
from pipelines.errors import ConfigError
from pipelines.run_record import record_seconds
from pipelines.settings import load_settings

_Subparsers = argparse._SubParsersAction  # the type argparse gives no public name


def add_commands(commands: "_Subparsers[argparse.ArgumentParser]") -> None:
    """Add the six commands."""
    train = commands.add_parser(
        "train",
        help="train a challenger and let the gate decide",
        description="Reads: core_drive_days and core_failures up to the day; nothing known later. "
        "Writes: models/ID/ (model.ubj, card.json) and an entry of registry/TARGET/ledger/.",
    )
    train.add_argument(
        "--as-of", required=True, metavar="D", help="only what was known by the end of this day"
    )
    train.add_argument("--target", metavar="NAME", help="this target only (default: all of the settings)")
    train.add_argument(
        "--if-due",
        action="store_true",
        help="only as of a Sunday, on other days only targets for which drift asks",
    )
    train.add_argument("--no-promote", action="store_true", help="keep the model, leave the champion")
    train.set_defaults(run=_run_train)

    for verb, what in (
        ("promote", "make a model that waits for approval the champion"),
        ("reject", "keep the champion; a model that waits for approval is dropped"),
    ):
        decide = commands.add_parser(
            verb,
            help=what,
            description="Reads: registry/TARGET/proposals/, where [approval] promotion lets models wait. Writes: an "
            "entry of registry/TARGET/ledger/ with your name.",
        )
        decide.add_argument("--target", required=True, metavar="NAME", help="whose champion it would be")
        decide.add_argument("--model", metavar="ID", help="the model (default: the only one that waits)")
        decide.set_defaults(run=_run_decide, is_approved=verb == "promote")

    backtest = commands.add_parser(
        "backtest",
        help="score past days and count tickets, hits and misses",
        description="Reads: core_drive_days, core_failures. Writes: backtests/ID/ (predictions, report). "
        "Prints the model beside the rule and other baselines, per component, with intervals.",
    )
    backtest.add_argument("--from", dest="first", required=True, metavar="D", help="first scoring day")
    backtest.add_argument("--to", dest="last", required=True, metavar="D", help="last scoring day, included")
    backtest.add_argument("--every", type=int, default=1, metavar="N", help="score every Nth day (default 1)")
    backtest.add_argument("--target", metavar="NAME", help="this target only (default: all of the settings)")
    which = backtest.add_mutually_exclusive_group()
    which.add_argument("--train-as-of", metavar="D", help="train one model with what was known by this day")
    which.add_argument("--model", metavar="ID", help="this stored model (default: the champion)")
    which.add_argument(
        "--folds",
        type=int,
        metavar="N",
        help="cut the span into N, and train for each with what was known the day before it",
    )
    backtest.set_defaults(run=_run_backtest)

    verify = commands.add_parser(
        "verify",
        help="re-create a published list from what it claims to be made of",
        description="Reads: the manifest of the day's list and everything it names. Writes: nothing. "
        "Says which link of the chain differs, if one does.",
    )
    add_day_arguments(verify)
    verify.set_defaults(run=_run_verify)

    rollback = commands.add_parser(
        "rollback",
        help="put the former champion back",
        description="Reads and writes: registry/TARGET/ledger/. The next scoring uses the former champion.",
    )
    rollback.add_argument(
        "--target", metavar="NAME", help="this target (default: the only one of the settings)"
    )
    rollback.add_argument("--why", required=True, help="the reason, kept in the ledger")
    rollback.set_defaults(run=_run_rollback)


def _run_train(arguments: argparse.Namespace) -> int:
    from pipelines.promotion_question import ask_about_models
    from pipelines.train import train_target
    from pipelines.training_due import list_due_targets

    settings = load_settings(arguments.config)
    lake = open_settings_lake(settings)
    as_of = parse_day(arguments.as_of)
    due = list_due_targets(as_of, settings, lake, is_asked_for=not arguments.if_due)
    targets = [name for name in due if arguments.target in (None, name)]
    if arguments.target and not arguments.if_due:
        targets = [arguments.target]
    for target in targets:
        with record_seconds(f"trained {target}", as_of, lake):
            facts = train_target(
                target,
                as_of,
                settings,
                lake,
                promote=not arguments.no_promote,
                who=getpass.getuser(),
            )
        print_line(facts.summary)
    for question in ask_about_models(targets, as_of, settings, lake):
        print_line(f"\n{question.subject}\n\n{question.body}")
    return 0


def _run_decide(arguments: argparse.Namespace) -> int:
    from pipelines.proposals import find_waiting, settle_proposal

    lake = open_settings_lake(load_settings(arguments.config))
    proposal = find_waiting(arguments.target, lake, arguments.model)
    answer = Answer(is_approved=arguments.is_approved, who=getpass.getuser())
    print_line(settle_proposal(proposal.model_id, answer, lake).summary)
    return 0


def _run_backtest(arguments: argparse.Namespace) -> int:
    from pipelines.backtest import backtest_target, format_report
    from pipelines.targets import list_built_targets

    settings = load_settings(arguments.config)
    lake = open_settings_lake(settings)
    first, last = parse_day(arguments.first), parse_day(arguments.last)
    train_as_of = parse_day(arguments.train_as_of) if arguments.train_as_of else None
    for target in [arguments.target] if arguments.target else list_built_targets(settings, lake):
        for start, end in split_span(first, last, 1 if arguments.folds is None else arguments.folds):
            report = backtest_target(
                target,
                settings,
                lake,
                first_day=start,
                last_day=end,
                every_days=arguments.every,
                train_as_of=train_as_of if arguments.folds is None else start - dt.timedelta(days=1),
                model_id=arguments.model,
            )
            print_line(format_report(report))
    return 0


def _run_verify(arguments: argparse.Namespace) -> int:
    from pipelines.verify import verify_list

    settings = load_settings(arguments.config)
    lake = open_settings_lake(settings)
    for day in chosen_days(arguments):
        print_line(verify_list(day, settings, lake).summary)
    return 0


def _run_rollback(arguments: argparse.Namespace) -> int:
    from pipelines.registry import rollback
    from pipelines.scorers import RULE_PREFIX
    from pipelines.targets import find_target, list_built_targets

    settings = load_settings(arguments.config)
    lake = open_settings_lake(settings)
    built = list_built_targets(settings, lake)
    if not arguments.target and len(built) > 1:
        raise ConfigError(f"Name the target: --target {' | '.join(built)}")
    target = find_target(arguments.target or built[0]).name
    entry = rollback(target, lake, who=getpass.getuser(), why=arguments.why)
    print_line(
        f"rolled back {target}: in_use={entry.model_id or RULE_PREFIX + target} former={entry.previous_champion}. "
        "Lists that are out stay; to make a day's list anew: prefail score --day D, prefail publish --day D"
    )
    return 0

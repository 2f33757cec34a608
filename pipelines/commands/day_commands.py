"""``prefail ingest | build | score | publish``: one step of the daily run each."""

import argparse
import datetime as dt
import functools

from pipelines.commands.day_span_runner import add_day_arguments, chosen_days, run_chosen_days
from pipelines.commands.output import print_line
from pipelines.day_runs import open_settings_lake
from pipelines.lake import Lake
from pipelines.progress import track
from pipelines.run_record import run_recorded
from pipelines.settings import Settings, load_settings
from pipelines.step_facts import StepFacts

_Subparsers = argparse._SubParsersAction  # the type argparse gives no public name


def add_commands(commands: "_Subparsers[argparse.ArgumentParser]") -> None:
    """Add the four commands."""
    ingest = commands.add_parser(
        "ingest",
        help="read a day from every source and check it",
        description="Reads: the sources of the settings. Writes: raw_ datasets, ingested/, quarantine/ and "
        "verdicts/ of the day. A day that breaks a block rule writes nothing.",
    )
    add_day_arguments(ingest, with_jobs=True)
    ingest.add_argument(
        "--source", action="append", metavar="NAME", help="only this source (may be repeated)"
    )
    ingest.add_argument(
        "--list-days", action="store_true", help="print the days that the sources have, and stop"
    )
    ingest.add_argument(
        "--changed",
        action="store_true",
        help="instead of a day: the ingested days whose inputs have changed, or came, since, only those sources "
        "(with --list-days: name them, and stop)",
    )
    ingest.set_defaults(run=_run_ingest)

    build = commands.add_parser(
        "build",
        help="decode a day's readings into component-days",
        description="Reads: raw_ datasets of the day. Writes: the dataset of each kind of "
        "features/component_kinds, core_failures, core_model_population and core_drive_days of the day.",
    )
    add_day_arguments(build, with_jobs=True)
    build.set_defaults(run=_run_build)

    score = commands.add_parser(
        "score",
        help="give every component its risk",
        description="Reads: each target's component-days of the lookback and its champion model, or its rule. Writes: "
        "out_predictions of the day.",
    )
    add_day_arguments(score)
    score.add_argument(
        "--model", metavar="ID", help="this model (or rule:TARGET) instead of the champion of its target"
    )
    score.set_defaults(run=_run_score)

    publish = commands.add_parser(
        "publish",
        help="publish the at-risk list, its CSV and its report",
        description="Reads: out_predictions of the day, component-days of the lookback, raw_hw_events of the last 30 "
        "days. Writes: out_at_risk_hosts, "
        "published/at_risk_hosts/day=D/ (list.csv, report.html, manifest.json) and, last, latest.json.",
    )
    add_day_arguments(publish)
    publish.set_defaults(run=_run_publish)

    data_docs = commands.add_parser(
        "data-docs",
        help="write the pages that show the contracts' verdicts",
        description="Reads: verdicts/ of each dataset's last day. Writes: data_docs/ (Great Expectations Data Docs).",
    )
    data_docs.set_defaults(run=_run_data_docs)


def _run_ingest(arguments: argparse.Namespace) -> int:
    from pipelines.ingest import ingest_day, list_source_days

    if arguments.changed:
        return _ingest_changed(arguments)
    if arguments.list_days:
        for day in list_source_days(load_settings(arguments.config)):
            print_line(day.isoformat())
        return 0
    return run_chosen_days(
        arguments, "ingesting", functools.partial(ingest_day, source_names=arguments.source)
    )


def _ingest_changed(arguments: argparse.Namespace) -> int:
    from pipelines.changed_inputs import describe_change, find_arrived_days, find_changed_days, reopen_days

    settings = load_settings(arguments.config)
    lake = open_settings_lake(settings)
    found = find_changed_days(settings, lake, source_names=arguments.source)
    changes = (*found.changes, *find_arrived_days(settings, lake, source_names=arguments.source))
    for change in changes:
        print_line(describe_change(change))
    for source in found.sources_without_inputs:
        print_line(f"{source}: keeps no record of its inputs, so a change in it can't be seen")
    if arguments.list_days:
        return 0
    days = []
    for facts in reopen_days(changes, settings, lake):
        print_line(facts.summary)
        days.append(facts.day)
    if days:
        print_line(
            f"re-opened {len(days)} days. Next: " + ", ".join(f"prefail build --day {day}" for day in days)
        )
    else:
        print_line("no ingested day's inputs have changed")
    return 0


def _run_build(arguments: argparse.Namespace) -> int:
    from pipelines.build import build_day

    return run_chosen_days(arguments, "building", build_day)


def _run_score(arguments: argparse.Namespace) -> int:
    from pipelines.score import score_day
    from pipelines.target_scorers import open_target_scorers

    settings = load_settings(arguments.config)
    lake = open_settings_lake(settings)
    # Opened once: the files of one day's lookback are most of the next day's.
    scorers = open_target_scorers(settings, lake, model_id=arguments.model)
    score = functools.partial(score_day, scorers=scorers)
    for day in track(chosen_days(arguments), "scoring"):
        print_line(run_recorded(score, day, settings, lake).summary)
    return 0


def _run_publish(arguments: argparse.Namespace) -> int:
    def publish(day: dt.date, settings: Settings, lake: Lake) -> StepFacts:
        from pipelines.publish import publish_day

        return publish_day(day, settings, lake)

    return run_chosen_days(arguments, "publishing", publish)


def _run_data_docs(arguments: argparse.Namespace) -> int:
    from pipelines.validation import build_data_docs

    print_line(f"wrote Data Docs: {build_data_docs(open_settings_lake(load_settings(arguments.config)))}")
    return 0

"""``prefail outcomes``: collect what technicians found, and show how often tickets proved right."""

import argparse
import datetime as dt
from typing import TYPE_CHECKING

from pipelines.commands.day_span_runner import add_day_arguments, run_chosen_days
from pipelines.commands.output import print_line, print_table
from pipelines.day_runs import open_settings_lake
from pipelines.day_span import parse_day
from pipelines.lake import Lake
from pipelines.settings import load_settings

if TYPE_CHECKING:
    from pipelines.realised_rates import RealisedRate

_Subparsers = argparse._SubParsersAction  # the type argparse gives no public name


def add_commands(commands: "_Subparsers[argparse.ArgumentParser]") -> None:
    """Add ``outcomes`` with its actions."""
    outcomes = commands.add_parser(
        "outcomes",
        help="collect what technicians found, and show how often tickets proved right",
        description="Reads: closed tickets of the tracker. Writes: raw_outcomes, core_failures, realised_rates/. "
        "What technicians found goes into labels and into realised precision.",
    )
    actions = outcomes.add_subparsers(title="actions", metavar="ACTION", required=True)

    collect = actions.add_parser(
        "collect",
        help="read closed tickets into raw_outcomes, core_failures and realised rates",
        description="Reads: closed tickets of the tracker, core_ days and failures. Writes: raw_outcomes, parts "
        "outcomes-* of core_failures, realised_rates/. Running it again changes nothing. The next training "
        "learns from it; days whose core_failures changed are named.",
    )
    add_day_arguments(collect)
    collect.set_defaults(run=_run_collect)

    show = actions.add_parser(
        "show",
        help="print realised precision, lead and no-fault-found by model, site and playbook entry",
        description="Reads: realised_rates/, raw_outcomes. Writes: nothing.",
    )
    show.add_argument("--day", metavar="D", help="as known on the evening of this day (default: the latest)")
    show.add_argument(
        "--unmapped",
        action="store_true",
        help="list the tickets whose text no rule reads, or that contradict",
    )
    show.set_defaults(run=_run_show)


def _run_collect(arguments: argparse.Namespace) -> int:
    from pipelines.collect_outcomes import collect_outcomes_day

    return run_chosen_days(arguments, "collecting outcomes", collect_outcomes_day)


def _run_show(arguments: argparse.Namespace) -> int:
    from pipelines.realised_rates import read_realised_rates

    lake = open_settings_lake(load_settings(arguments.config))
    # Rates are those known before a day's list; the day after the one asked for has them.
    next_day = parse_day(arguments.day) + dt.timedelta(days=1) if arguments.day else dt.date.max
    rates = read_realised_rates(lake, next_day)
    if rates.day is None or rates.first_day is None:
        print_line("No outcome was collected yet. Run: prefail outcomes collect --day D")
        return 0
    if not rates.rates:
        print_line(f"No ticket was closed from {rates.first_day} to {rates.day}.")
        return 0
    if arguments.unmapped:
        _print_unmapped(lake, rates.first_day, rates.day)
        return 0
    print_table(
        f"Tickets closed from {rates.first_day} to {rates.day}",
        ("tickets of", "closed", "confirmed", "no fault", "precision", "lead days", "others"),
        [
            (
                f"{each.scope} {each.name}".strip(),
                each.n_closed,
                each.n_confirmed,
                each.n_no_fault_found,
                _describe_precision(each),
                each.median_lead_days,
                _describe_others(each),
            )
            for each in rates.rates
        ],
    )
    print_line(
        "precision: confirmed of those with a fault or none found, and its 95 % interval. "
        "uncertain: replaced on our advice, and nobody confirmed a fault."
    )
    return 0


def _describe_precision(rate: "RealisedRate") -> str | None:
    if rate.precision is None or rate.precision_interval is None:
        return None
    low, high = rate.precision_interval.low, rate.precision_interval.high
    return f"{rate.precision:.0%} ({low:.0%} to {high:.0%})"


def _describe_others(rate: "RealisedRate") -> str:
    counts = (
        (rate.n_fixed, "fixed"),
        (rate.n_declined, "declined"),
        (rate.n_uncertain, "uncertain"),
        (rate.n_unknown, "unknown"),
    )
    return ", ".join(f"{n} {word}" for n, word in counts if n)


def _print_unmapped(lake: Lake, first_day: dt.date, last_day: dt.date) -> None:
    from pipelines.tickets.outcomes.archive import read_outcomes

    rows = [row for found in read_outcomes(lake, first_day).values() for row in found]
    unmapped = [row for row in rows if row.is_unmapped and row.closed_day <= last_day]
    if not unmapped:
        print_line("Every remark on a closed ticket could be read.")
        return
    print_table(
        f"{len(unmapped)} closed tickets whose words say nothing certain",
        ("ticket", "closed", "why", "what was written"),
        [(row.ticket_id, row.closed_day, row.decided_by, row.remarks) for row in unmapped],
    )
    print_line("Settle one with: prefail tickets resolve ID --outcome WHAT")

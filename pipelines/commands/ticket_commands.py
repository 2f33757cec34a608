"""``prefail tickets``: follow the list with tickets, and look at or resolve them at the desk."""

import argparse
import datetime as dt

from pipelines.commands.day_span_runner import add_day_arguments, run_days
from pipelines.lake import Lake
from pipelines.settings import Settings
from pipelines.step_facts import StepFacts

_Subparsers = argparse._SubParsersAction  # the type argparse gives no public name


def add_commands(commands: "_Subparsers[argparse.ArgumentParser]") -> None:
    """Add ``tickets`` with its actions."""
    tickets = commands.add_parser(
        "tickets",
        help="open, update and close tickets so that they match the list",
        description="Reads: out_at_risk_hosts of the day, the tracker. Writes: the tracker. Running it again "
        "changes nothing; a list older than tickets.max_age_days is a replay and touches no ticket.",
    )
    add_day_arguments(tickets)
    tickets.set_defaults(run=_run_reconcile)
    actions = tickets.add_subparsers(title="actions", metavar="ACTION")

    listed = actions.add_parser("list", help="print the tickets")
    listed.add_argument("--all", action="store_true", help="closed ones, too")
    listed.set_defaults(run=_run_list)

    show = actions.add_parser("show", help="print one ticket: what it says, and what it is made of")
    show.add_argument("ticket_id", metavar="ID")
    show.set_defaults(run=_run_show)

    resolve = actions.add_parser("resolve", help="say what the technician found")
    resolve.add_argument("ticket_id", metavar="ID")
    resolve.add_argument(
        "--outcome",
        required=True,
        choices=("confirmed", "no_fault_found", "reseated", "firmware", "declined"),
        help="confirmed: the part was bad; declined: won't fix",
    )
    resolve.add_argument("--note", default="", help="free text")
    resolve.set_defaults(run=_run_resolve)


def _today() -> dt.date:
    return dt.datetime.now(dt.UTC).date()


def _run_reconcile(arguments: argparse.Namespace) -> int:
    from pipelines.ticket_step import reconcile_tickets_day

    today = _today()

    def reconcile(day: dt.date, settings: Settings, lake: Lake) -> StepFacts:
        return reconcile_tickets_day(day, settings, lake, today)

    return run_days(arguments, "reconciling tickets", reconcile)

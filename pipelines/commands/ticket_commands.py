"""``prefail plan`` and ``prefail tickets``: follow the list with tickets, and look at or resolve them at the desk."""

import argparse
import datetime as dt
import getpass
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.approval import Answer
from pipelines.commands.day_span_runner import add_day_arguments, chosen_days, run_chosen_days
from pipelines.commands.output import print_line, print_table
from pipelines.day_runs import open_settings_lake
from pipelines.day_span import parse_day
from pipelines.errors import PermanentError
from pipelines.lake import Lake
from pipelines.settings import Settings, load_settings
from pipelines.step_facts import StepFacts

if TYPE_CHECKING:
    from pipelines.ticket_plan import Preview
    from pipelines.tickets.tracker import Ticket

_Subparsers = argparse._SubParsersAction  # the type argparse gives no public name


def add_commands(commands: "_Subparsers[argparse.ArgumentParser]") -> None:
    """Add ``plan``, and ``tickets`` with its actions."""
    plan = commands.add_parser(
        "plan",
        help="show what would be done to tickets, and why each other entry waits",
        description="Reads: out_at_risk_hosts of the day, the tracker. Writes nothing anywhere, but for --html.",
    )
    plan.add_argument("--day", required=True, metavar="D", help="one UTC day, YYYY-MM-DD")
    plan.add_argument("--html", metavar="FILE", help="write the planning board there")
    plan.set_defaults(run=_run_plan)

    tickets = commands.add_parser(
        "tickets",
        help="open, update and close tickets so that they match the list",
        description="Reads: out_at_risk_hosts of the day, the tracker. Writes: the tracker, and plan.html and "
        "plan.json beside the day's list. Running it again "
        "changes nothing; a list older than tickets.max_age_days is a replay and touches no ticket.",
    )
    add_day_arguments(tickets)
    tickets.add_argument("--dry-run", action="store_true", help="show what would be done, and do nothing")
    tickets.set_defaults(run=_run_reconcile)
    actions = tickets.add_subparsers(title="actions", metavar="ACTION")

    approve = actions.add_parser(
        "approve",
        help="decide about new tickets beyond list.k_per_day, where [approval] tickets lets them wait",
        description="Reads: out_at_risk_hosts of the day, the tracker. Writes: the answer with your name to "
        "tickets/ENVIRONMENT/approvals/, then all that `prefail tickets` writes.",
    )
    approve.add_argument("--day", required=True, metavar="D", help="one UTC day, YYYY-MM-DD")
    approve.add_argument(
        "--reject", action="store_true", help="let them wait; nobody is asked about that day again"
    )
    approve.set_defaults(run=_run_approve)

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

    snooze = actions.add_parser("snooze", help="keep quiet about a ticket until a day")
    snooze.add_argument("ticket_id", metavar="ID")
    snooze.add_argument("--until", required=True, metavar="D", help="first day to speak of it again, or: now")
    snooze.set_defaults(run=_run_snooze)


def _today() -> dt.date:
    return dt.datetime.now(dt.UTC).date()


def _run_plan(arguments: argparse.Namespace) -> int:
    from pipelines.ticket_plan import preview_tickets_day

    settings = load_settings(arguments.config)
    preview = preview_tickets_day(parse_day(arguments.day), settings, open_settings_lake(settings), _today())
    _print_preview(preview)
    if arguments.html and preview.planned is not None:
        Path(arguments.html).write_bytes(preview.render_page())
        print_line(f"wrote {arguments.html}")
    return 0


def _print_preview(preview: "Preview") -> None:
    if preview.lines:
        print_table(
            f"Plan of {preview.day}",
            ("would", "ticket", "what", "due", "why"),
            [(line.verb, line.ticket_id, line.subject, line.due_day, line.reason) for line in preview.lines],
        )
    print_line(preview.summary)


def _run_dry(arguments: argparse.Namespace) -> int:
    from pipelines.ticket_plan import preview_tickets_day

    settings = load_settings(arguments.config)
    lake = open_settings_lake(settings)
    for day in chosen_days(arguments):
        _print_preview(preview_tickets_day(day, settings, lake, _today()))
    return 0


def _run_reconcile(arguments: argparse.Namespace) -> int:
    from pipelines.ticket_step import reconcile_tickets_day

    if arguments.dry_run:
        return _run_dry(arguments)
    today = _today()

    def reconcile(day: dt.date, settings: Settings, lake: Lake) -> StepFacts:
        return reconcile_tickets_day(day, settings, lake, today)

    return run_chosen_days(arguments, "reconciling tickets", reconcile)


def _run_approve(arguments: argparse.Namespace) -> int:
    from pipelines.ticket_approval import ask_about_tickets, decide_tickets_day

    settings = load_settings(arguments.config)
    lake = open_settings_lake(settings)
    day = parse_day(arguments.day)
    question = ask_about_tickets(day, settings, lake, _today())
    if question is None:
        raise PermanentError(
            f"No ticket of {day} waits for approval, or somebody has decided. No ticket was touched. See what waits "
            f"and why: prefail plan --day {day}",
            day=day.isoformat(),
        )
    print_line(f"{question.subject}\n\n{question.body}\n")
    answer = Answer(is_approved=not arguments.reject, who=getpass.getuser())
    n = int(question.about)
    print_line(decide_tickets_day(day, settings, lake, _today(), answer=answer, n_approved=n).summary)
    return 0


def _run_list(arguments: argparse.Namespace) -> int:
    from pipelines.ticket_commands import list_tickets

    tickets = list_tickets(load_settings(arguments.config), include_closed=arguments.all)
    if not tickets:
        print_line("No open ticket." if not arguments.all else "No ticket was ever opened.")
        return 0
    print_table(
        f"{len(tickets)} tickets",
        ("ticket", "state", "opened", "due", "title"),
        [
            (
                ticket.ticket_id,
                "open" if ticket.is_open else f"closed: {ticket.outcome or 'no outcome'}",
                ticket.record.opened_day,
                ticket.record.due_day,
                ticket.title,
            )
            for ticket in tickets
        ],
    )
    return 0


def _run_show(arguments: argparse.Namespace) -> int:
    from pipelines.ledger import read_ledger
    from pipelines.ticket_commands import show_ticket

    settings = load_settings(arguments.config)
    lake = open_settings_lake(settings)
    view = show_ticket(arguments.ticket_id, settings, lake)
    made_of = view.explanation
    print_line(f"Ticket {view.ticket.ticket_id}: {view.ticket.title}\n")
    print_line(view.ticket.body)
    print_line("\nHistory")
    for comment in view.history:
        print_line(f"  {comment.day}  {comment.text}")
    print_line("\nOutcome")
    print_line(f"  {_describe_outcome(view.ticket, settings, lake)}")
    print_line("\nMade of")
    print_line(f"  key        {made_of.key}")
    print_line(f"  list       of {made_of.opened_day}, {made_of.manifest_key or made_of.gap}")
    print_line(f"  model      {made_of.model_id}")
    for entry in read_ledger(view.ticket.record.target, lake):
        if entry.model_id == made_of.model_id:
            print_line(f"  {entry.event:<10} by {entry.who}: {entry.why}")
    print_line(f"  code       {made_of.code_version or 'unknown'}")
    for contract in made_of.contracts:
        print_line(f"  contract   {contract.dataset} {contract.version}")
    # A part without digest was looked for and not there: the lookback may reach before the first day.
    parts = [(part.key, part.sha256) for part in made_of.inputs if part.sha256]
    for key, sha256 in parts[-3:]:
        print_line(f"  data       {key}  sha256 {sha256[:16]}")
    if len(parts) > 3:
        print_line(f"  data       … and {len(parts) - 3} more, all named in the manifest")
    if made_of.gap and made_of.manifest_key:
        print_line(f"  gap        {made_of.gap}")
    print_line(f"\nCheck all of it: prefail verify --day {made_of.opened_day}")
    return 0


def _describe_outcome(ticket: "Ticket", settings: Settings, lake: Lake) -> str:
    from pipelines.tickets.outcomes.archive import find_outcome

    if ticket.closed_day is None:
        return "none yet, the ticket is open"
    row = find_outcome(ticket, settings.tickets.tracker, lake)
    if row is None:
        said = ticket.outcome or "closed, and nothing in the tracker's field"
        return f"{said}, not collected yet: prefail outcomes collect --day {ticket.closed_day}"
    lead = "" if row.lead_days is None else f", {row.lead_days} days after it was opened"
    changed = "" if row.changed_at is None else f", part changed on {row.changed_at.date()}"
    return f"{row.outcome}{lead}{changed}, decided by {row.decided_by}, known from {row.known_at.date()} on"


def _run_resolve(arguments: argparse.Namespace) -> int:
    from pipelines.ticket_commands import resolve_ticket

    settings = load_settings(arguments.config)
    ticket = resolve_ticket(
        arguments.ticket_id,
        arguments.outcome,
        arguments.note,
        settings,
        open_settings_lake(settings),
        _today(),
    )
    print_line(f"resolved ticket {ticket.ticket_id}: outcome={ticket.outcome} day={ticket.closed_day}")
    return 0


def _run_snooze(arguments: argparse.Namespace) -> int:
    from pipelines.ticket_commands import snooze_ticket

    settings = load_settings(arguments.config)
    until = None if arguments.until == "now" else parse_day(arguments.until)
    ticket = snooze_ticket(arguments.ticket_id, until, settings, open_settings_lake(settings), _today())
    print_line(f"snoozed ticket {ticket.ticket_id}: until={ticket.snoozed_until or 'awake'}")
    return 0

"""What the ticket about a shared cause says: the cause, what to check first, and every part that waits for it."""

import datetime as dt
from collections.abc import Sequence

from pipelines.tickets.entries import Entry
from pipelines.tickets.escaping import escape_value
from pipelines.tickets.plan_notes import PlanNotes
from pipelines.tickets.playbook import load_playbook
from pipelines.tickets.record import TicketRecord, write_record
from pipelines.tickets.storms import Cause
from pipelines.tickets.ticket_text import (
    describe_host,
    describe_part,
    describe_slot,
    format_risk,
    identify_comment,
    list_pages,
)
from pipelines.tickets.tracker import TECHNICIAN_OUTCOMES, Comment, Draft

# More would make the text of some trackers too long; the plan has them all.
_MAX_PARTS = 40


def write_storm_draft(
    cause: Cause, members: Sequence[Entry], siblings: Sequence[str], record: TicketRecord, notes: PlanNotes
) -> Draft:
    """Return the ticket about ``cause``. ``siblings``: open tickets of parts that share it, by number."""
    n = len(members)
    riskiest = format_risk(max(entry.risk for entry in members))
    title = f"Check {escape_value(cause.text)} before {record.due_day}: {n} parts at risk, up to {riskiest}"
    lines = [_write_member(entry) for entry in members[:_MAX_PARTS]]
    if n > _MAX_PARTS:
        lines.append(f"- and {n - _MAX_PARTS} more, all of them in the plan")
    own = f"\nParts of this cause with a ticket of their own: {', '.join(siblings)}." if siblings else ""
    facts = (
        f"Shared cause: {escape_value(cause.text)}",
        f"Parts: {n}, none of which gets a ticket of its own while this one is open",
        f"Due: {record.due_day}",
    )
    done = (
        f"When done, say what you found in one word ({', '.join(TECHNICIAN_OUTCOMES)}):",
        "prefail tickets resolve NUMBER --outcome WHAT",
        "no_fault_found and declined mean that there is no common cause: the parts then get tickets of their own.",
    )
    sections = (
        "\n".join(facts),
        f"Check first:\n{load_playbook().storms[cause.kind]}",
        f"Parts, by rank on the list of {record.list_day}:\n" + "\n".join(lines) + own,
        "\n".join(done),
        *list_pages(notes),
        write_record(record),
    )
    return Draft(title=title, body="\n\n".join(sections) + "\n", record=record)


def write_growth_comment(cause: Cause, day: dt.date, n_before: int, members: Sequence[Entry]) -> Comment:
    """Say that a cause is shared by more parts than the ticket last said."""
    lines = [f"List of {day}: {len(members)} parts share {escape_value(cause.text)}, {n_before} before."]
    lines += [_write_member(entry) for entry in members[:_MAX_PARTS]]
    return identify_comment(day, "\n".join(lines))


def write_return_comment(
    cause: Cause, day: dt.date, record: TicketRecord, members: Sequence[Entry]
) -> Comment:
    """Say why the ticket about a cause is open again. The same in two tries of one run."""
    n, shared = len(members), escape_value(cause.text)
    lines = [
        f"Opened again: {n} parts that share {shared} are on the list of {day}. Opened {record.opened_day}."
    ]
    lines += [_write_member(entry) for entry in members[:_MAX_PARTS]]
    return identify_comment(day, "\n".join(lines))


def _write_member(entry: Entry) -> str:
    slot = "" if entry.slot is None else f" slot {describe_slot(entry)}"
    rack = "" if entry.rack is None else f" ({escape_value(entry.rack)})"
    return (
        f"- rank {entry.rank}: {describe_part(entry)}{slot} in {describe_host(entry)}{rack}, "
        f"{escape_value(entry.model)}, {format_risk(entry.risk)}"
    )

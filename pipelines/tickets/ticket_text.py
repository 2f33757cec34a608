"""What a ticket says: a title to act on, a body to act by, and what changed since."""

import datetime as dt
import hashlib
import re

from features.evidence import Reason
from features.words import name_kind
from pipelines.tickets.entries import Entry
from pipelines.tickets.escaping import escape_value
from pipelines.tickets.plan_notes import PlanNotes
from pipelines.tickets.record import TicketRecord, write_record
from pipelines.tickets.tracker import TECHNICIAN_OUTCOMES, Comment, Draft, Outcome

_UNKNOWN_HOST = "unknown:"
# A playbook's paragraph, not a value from a machine; still escaped, because it travels in the list.
_CHECK_FIRST_LIMIT = 1200
_NOTE_LIMIT = 300
_UNSURE_SLOT = re.compile(r"(.+) \(([0-9]{1,3}) % sure\)")


def write_draft(
    entry: Entry, record: TicketRecord, notes: PlanNotes | None = None, spare: str | None = None
) -> Draft:
    """Return the whole text of a ticket about ``entry``; ``spare`` is a sentence about the part in stock."""
    body = _write_body(entry, record, notes or PlanNotes(), spare)
    return Draft(title=_write_title(entry, record.due_day), body=body, record=record)


def write_news_comment(entry: Entry, record: TicketRecord, day: dt.date, news: list[str]) -> Comment:
    """Say what changed since the ticket was last written; ``record`` is the one from before."""
    known = set(record.told_signals)
    risks = f"{format_risk(record.told_risk)} -> {format_risk(entry.risk)}"
    lines = [f"List of {day}: {' and '.join(news)}. Risk {risks}, rank {entry.rank}."]
    lines += [_write_reason(reason) for reason in entry.evidence if reason.signal not in known]
    return identify_comment(day, "\n".join(lines))


def write_reopen_comment(
    entry: Entry, day: dt.date, outcome: Outcome | None, closed_day: dt.date | None
) -> Comment:
    """Say why a closed ticket is open again. Says nothing that changes between two tries of one run."""
    before = f"closed on {closed_day}" + (f" as {outcome}" if outcome else "")
    lines = [
        f"Opened again: {before}, and on the list of {day} with {format_risk(entry.risk)} risk, rank {entry.rank}."
    ]
    if outcome is Outcome.CONFIRMED:
        part, host = _capitalise(describe_part(entry)), describe_host(entry)
        lines.append(f"{part} still reports from {host}: was it replaced, or another part?")
    lines += [_write_reason(reason) for reason in entry.evidence]
    return identify_comment(day, "\n".join(lines))


def format_risk(risk: float) -> str:
    """Return a probability in whole percent; what would round to 0 or 100 % is not certain, and says so."""
    if risk <= 0.005:
        return "below 1 %"
    if risk >= 0.995:
        return "above 99 %"
    return f"{risk * 100:.0f} %"


def list_pages(notes: PlanNotes) -> list[str]:
    """Return the section that names the day's report and plan, none where neither is known."""
    pages = (("Report", notes.report), ("Plan of the day", notes.plan))
    lines = [f"{name}: {address}" for name, address in pages if address is not None]
    return ["\n".join(lines)] if lines else []


def _write_title(entry: Entry, due_day: dt.date) -> str:
    place = entry.rack or entry.site
    location = "" if place is None else f" ({escape_value(place)})"
    if entry.component_kind == "host":
        what = f"Repair host {describe_host(entry)}"
    else:
        slot = "" if entry.slot is None else f" slot {describe_slot(entry)}"
        what = f"Replace {describe_part(entry)}{slot} in {describe_host(entry)}"
    return f"{what}{location} before {due_day}: {format_risk(entry.risk)} risk"


def _write_body(entry: Entry, record: TicketRecord, notes: PlanNotes, spare: str | None) -> str:
    due_note = "" if entry.due_note is None else f" ({escape_value(entry.due_note, _NOTE_LIMIT)})"
    facts = (
        ("Part", describe_part(entry)),
        # Of other kinds the name is the inventory's; what is on their label is not known.
        ("Serial", escape_value(entry.component_id) if entry.component_kind == "drive" else None),
        ("Model", escape_value(entry.model)),
        ("Firmware", _value(entry.firmware)),
        ("Slot", describe_slot(entry) or "not known"),
        ("Host", describe_host(entry)),
        ("Rack", _value(entry.rack)),
        ("Site", _value(entry.site)),
        ("Risk", f"{format_risk(entry.risk)}, rank {entry.rank} on the list of {record.list_day}"),
        ("Due", f"{record.due_day}{due_note}"),
        ("Spare part", None if spare is None else escape_value(spare, _NOTE_LIMIT)),
    )
    why = [_write_reason(reason) for reason in entry.evidence] or ["- No single signal stands out."]
    seen = notes.track_records.get(record.key.digest)
    sections = (
        "\n".join(f"{name}: {value}" for name, value in facts if value is not None),
        "Why:\n" + "\n".join(why),
        f"Check first:\n{escape_value(entry.check_first, _CHECK_FIRST_LIMIT)}",
        *([] if seen is None else [f"Seen before:\n{escape_value(seen, _NOTE_LIMIT)}"]),
        _ask_outcome(),
        *list_pages(notes),
        _say_scorer(entry),
        write_record(record),
    )
    return "\n\n".join(sections) + "\n"


def _ask_outcome() -> str:
    words = ", ".join(TECHNICIAN_OUTCOMES)
    return (
        f"When done, close this ticket with a remark on what you found, or in one word ({words}):\n"
        "prefail tickets resolve NUMBER --outcome WHAT"
    )


def _say_scorer(entry: Entry) -> str:
    target, model_id = escape_value(entry.target), escape_value(entry.model_id)
    if entry.scored_by is None:
        return f"Predicted: {target} by model {model_id}."
    return f"Predicted: {target}, {escape_value(entry.scored_by, _NOTE_LIMIT)} ({model_id})."


def _write_reason(reason: Reason) -> str:
    # "Reallocated sectors: 24 sectors" says it twice.
    unit = "" if reason.unit.lower() in ("count", *reason.label.lower().split()) else reason.unit
    unit = f" {escape_value(unit)}" if unit else ""
    line = f"- {_capitalise(escape_value(reason.label))}"
    if reason.now is not None or reason.before_7d is not None or reason.before_30d is not None:
        line += (
            f": now {_level(reason.now, unit)} (7 days ago: {_level(reason.before_7d, unit)}; "
            f"30 days ago: {_level(reason.before_30d, unit)})"
        )
    if reason.percentile is not None:
        line += f"; higher than {reason.percentile:g} % of its model"
    return line


def _level(level: float | None, unit: str) -> str:
    if level is None:
        return "not reported"
    return (f"{level:,.0f}" if float(level).is_integer() else f"{level:g}") + unit


def describe_part(entry: Entry) -> str:
    """Return kind and name of the part, inert."""
    return f"{escape_value(name_kind(entry.component_kind))} {escape_value(entry.component_id)}"


def describe_slot(entry: Entry) -> str | None:
    """Return the slot, inert, with how sure the inventory is of it: ``7 (60 % sure)``; null where not known."""
    if entry.slot is None:
        return None
    # The percent sign is ours (``pipelines.inventory``), what stands before it is a machine's.
    unsure = _UNSURE_SLOT.fullmatch(entry.slot)
    if unsure is None:
        return escape_value(entry.slot)
    return f"{escape_value(unsure.group(1))} ({int(unsure.group(2))} % sure)"


def describe_host(entry: Entry) -> str:
    """Return the host's name, inert."""
    return "an unknown host" if entry.host_id.startswith(_UNKNOWN_HOST) else escape_value(entry.host_id)


def _value(text: str | None) -> str:
    return "not known" if text is None else escape_value(text)


def _capitalise(text: str) -> str:
    return text[:1].upper() + text[1:]


def identify_comment(day: dt.date, text: str) -> Comment:
    """Name a comment by its day and words, so that saying it again after a crash says it once."""
    return Comment(comment_id=f"{day}-{hashlib.sha256(text.encode()).hexdigest()[:12]}", day=day, text=text)

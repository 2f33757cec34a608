"""What a ticket says: a title to act on, a body to act by, and what changed since."""

import datetime as dt
import hashlib

from features.evidence import Reason
from pipelines.tickets.entries import Entry
from pipelines.tickets.escaping import escape_value
from pipelines.tickets.record import TicketRecord, write_record
from pipelines.tickets.tracker import TECHNICIAN_OUTCOMES, Comment, Draft, Outcome

_UNKNOWN_HOST = "unknown:"
# A playbook's paragraph, not a value from a machine; still escaped, because it travels in the list.
_CHECK_FIRST_LIMIT = 1200


def write_draft(entry: Entry, record: TicketRecord) -> Draft:
    """Return the whole text of a ticket about ``entry``."""
    return Draft(title=_write_title(entry, record.due_day), body=_write_body(entry, record), record=record)


def write_news_comment(entry: Entry, record: TicketRecord, day: dt.date, news: list[str]) -> Comment:
    """Say what changed since the ticket was last written; ``record`` is the one from before."""
    known = set(record.told_signals)
    risks = f"{format_risk(record.told_risk)} -> {format_risk(entry.risk)}"
    lines = [f"List of {day}: {' and '.join(news)}. Risk {risks}, rank {entry.rank}."]
    lines += [_write_reason(reason) for reason in entry.evidence if reason.signal not in known]
    return _identify(day, "\n".join(lines))


def write_reopen_comment(
    entry: Entry, day: dt.date, outcome: Outcome | None, closed_day: dt.date | None
) -> Comment:
    """Say why a closed ticket is open again. Says nothing that changes between two tries of one run."""
    before = f"closed on {closed_day}" + (f" as {outcome}" if outcome else "")
    lines = [
        f"Opened again: {before}, and on the list of {day} with {format_risk(entry.risk)} risk, rank {entry.rank}."
    ]
    if outcome is Outcome.CONFIRMED:
        lines.append(
            f"{_capitalise(_part(entry))} still reports from {_host(entry)}: was it replaced, or another part?"
        )
    lines += [_write_reason(reason) for reason in entry.evidence]
    return _identify(day, "\n".join(lines))


def format_risk(risk: float) -> str:
    """Return a probability in whole percent; what would round to 0 or 100 % is not certain, and says so."""
    if risk <= 0.005:
        return "below 1 %"
    if risk >= 0.995:
        return "above 99 %"
    return f"{risk * 100:.0f} %"


def _write_title(entry: Entry, due_day: dt.date) -> str:
    slot = "" if entry.slot is None else f" slot {escape_value(entry.slot)}"
    place = entry.rack or entry.site
    location = "" if place is None else f" ({escape_value(place)})"
    return f"Replace {_part(entry)}{slot} in {_host(entry)}{location} before {due_day}: {format_risk(entry.risk)} risk"


def _write_body(entry: Entry, record: TicketRecord) -> str:
    outcomes = ", ".join(TECHNICIAN_OUTCOMES)
    facts = (
        ("Part", _part(entry)),
        ("Model", escape_value(entry.model)),
        ("Slot", _value(entry.slot)),
        ("Host", _host(entry)),
        ("Rack", _value(entry.rack)),
        ("Site", _value(entry.site)),
        ("Risk", f"{format_risk(entry.risk)}, rank {entry.rank} on the list of {record.list_day}"),
        ("Due", f"{record.due_day}"),
    )
    why = [_write_reason(reason) for reason in entry.evidence] or ["- No single signal stands out."]
    sections = (
        "\n".join(f"{name}: {value}" for name, value in facts),
        "Why:\n" + "\n".join(why),
        f"Check first:\n{escape_value(entry.check_first, _CHECK_FIRST_LIMIT)}",
        f"When done, say what you found ({outcomes}):\nprefail tickets resolve NUMBER --outcome WHAT",
        f"Predicted: {escape_value(entry.target)} by model {escape_value(entry.model_id)}.",
        write_record(record),
    )
    return "\n\n".join(sections) + "\n"


def _write_reason(reason: Reason) -> str:
    # "Reallocated sectors: 24 sectors" says it twice.
    unit = "" if reason.unit.lower() in ("count", *reason.label.lower().split()) else reason.unit
    unit = f" {escape_value(unit)}" if unit else ""
    line = f"- {_capitalise(escape_value(reason.label))}"
    if reason.now is not None or reason.before_7d is not None or reason.before_30d is not None:
        line += (
            f": now {_level(reason.now, unit)}, 7 days ago {_level(reason.before_7d, unit)}, "
            f"30 days ago {_level(reason.before_30d, unit)}"
        )
    if reason.percentile is not None:
        line += f"; higher than {reason.percentile:g} % of its model"
    return line


def _level(level: float | None, unit: str) -> str:
    if level is None:
        return "not reported"
    return (f"{level:,.0f}" if float(level).is_integer() else f"{level:g}") + unit


def _part(entry: Entry) -> str:
    return f"{escape_value(entry.component_kind)} {escape_value(entry.component_id)}"


def _host(entry: Entry) -> str:
    return "an unknown host" if entry.host_id.startswith(_UNKNOWN_HOST) else escape_value(entry.host_id)


def _value(text: str | None) -> str:
    return "not known" if text is None else escape_value(text)


def _capitalise(text: str) -> str:
    return text[:1].upper() + text[1:]


def _identify(day: dt.date, text: str) -> Comment:
    """Name a comment by its day and words, so that saying it again after a crash says it once."""
    return Comment(comment_id=f"{day}-{hashlib.sha256(text.encode()).hexdigest()[:12]}", day=day, text=text)

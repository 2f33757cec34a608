"""What was written on a ticket since it was last opened."""

import datetime as dt
import re
from collections.abc import Sequence

from features.log_templates import escape_text
from pipelines.tickets.outcomes.text_rules import flatten
from pipelines.tickets.tracker import Comment

_OPENED_AGAIN = "Opened again"
_CLOSED_WITH_NOTE = re.compile(r"^Closed as \w+\.\s+(.+)$", re.DOTALL)


def list_person_remarks(history: Sequence[Comment], day: dt.date) -> list[str]:
    """Return what people wrote up to ``day`` since the ticket was last opened, the oldest first."""
    return [said.text for said in _since_opening(history, day) if said.is_from_person]


def write_remarks(history: Sequence[Comment], day: dt.date) -> str | None:
    """Return the remarks of people, else the note of the last closing, as one bounded, escaped line."""
    said = [flat for text in list_person_remarks(history, day) if (flat := flatten(text))]
    if not said:
        notes = [_CLOSED_WITH_NOTE.match(comment.text) for comment in _since_opening(history, day)]
        said = [flat for note in notes[::-1] if note and (flat := flatten(note.group(1)))][:1]
    return escape_text(" / ".join(said)) or None


def _since_opening(history: Sequence[Comment], day: dt.date) -> list[Comment]:
    since: list[Comment] = []
    for comment in history:
        if comment.day > day:
            continue
        if not comment.is_from_person and comment.text.startswith(_OPENED_AGAIN):
            since.clear()
        since.append(comment)
    return since

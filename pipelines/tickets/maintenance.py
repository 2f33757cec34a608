"""On which day a site works: due days fall on its maintenance windows."""

import datetime as dt
from collections.abc import Collection
from dataclasses import replace

from pipelines.tickets.entries import Entry
from pipelines.tickets.policy_document import Maintenance

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def fit_to_window(entry: Entry, maintenance: Maintenance, day: dt.date) -> Entry:
    """Return the entry due on a day on which its site works.

    That is the last such day of ``[day, due_day]``. Where there is none it is the first one after, and the
    entry says that this is later than the list asks for.
    """
    weekdays = maintenance.windows.get(entry.site or "")
    if weekdays is None:
        return entry
    in_time = (entry.due_day - dt.timedelta(days=back) for back in range((entry.due_day - day).days + 1))
    if due := next((one for one in in_time if _is_open(one, weekdays)), None):
        return replace(entry, due_day=due)
    later = max(day, entry.due_day)
    due = next(one for n in range(7) if _is_open(one := later + dt.timedelta(days=n), weekdays))
    note = f"the next maintenance window of {entry.site}; the list asks for {entry.due_day}"
    return replace(entry, due_day=due, due_note=note)


def _is_open(day: dt.date, weekdays: Collection[str]) -> bool:
    return _WEEKDAYS[day.weekday()] in weekdays

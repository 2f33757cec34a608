"""What tickets say beside the list itself: where report and plan are, and what became of tickets like these."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pipelines.published_list import REPORT_FILE, ROOT, day_folder
from pipelines.realised_rates import RateScope, RealisedRates
from pipelines.settings import Settings
from pipelines.tickets.entries import Entry
from pipelines.tickets.playbook import load_playbook

PLAN_FILE = "plan.html"


@dataclass(frozen=True, kw_only=True)
class PlanNotes:
    """``report`` and ``plan``: addresses of the day's pages. ``track_records``: a sentence per key digest."""

    report: str | None = None
    plan: str | None = None
    track_records: Mapping[str, str] = field(default_factory=dict)


def locate_page(day: dt.date, name: str, settings: Settings) -> str:
    """Return where people find a page of the day: at ``tickets.report_url``, else its place in the lake.

    Never a presigned link: whoever reads the ticket could open it, and it would be dead next week.
    """
    base = settings.tickets.report_url
    if base is None:
        return day_folder(day) + name
    return f"{base.rstrip('/')}/{day_folder(day).removeprefix(f'{ROOT}/')}{name}"


def write_notes(
    day: dt.date, settings: Settings, entries: Iterable[Entry], rates: RealisedRates
) -> PlanNotes:
    """Return what the day's tickets say beside the list."""
    records = {entry.key.digest: describe_track_record(entry, rates) for entry in entries}
    return PlanNotes(
        report=locate_page(day, REPORT_FILE, settings),
        plan=locate_page(day, PLAN_FILE, settings),
        track_records={key: said for key, said in records.items() if said is not None},
    )


def describe_track_record(entry: Entry, rates: RealisedRates) -> str | None:
    """Return how often tickets like this were confirmed; null where none was visited yet.

    "Like this" is the same advice on what to check first, and the same hardware model.
    """
    rule = load_playbook().name_of(entry.check_first)
    alike = (
        ("with this advice", None if rule is None else rates.find(RateScope.PLAYBOOK_ENTRY, rule)),
        (f"for a {entry.model}", rates.find(RateScope.HARDWARE_MODEL, entry.model)),
    )
    said = [
        f"Of the last {rate.n_recent} tickets {which} that were looked at, {rate.n_recent_confirmed} were confirmed."
        for which, rate in alike
        if rate is not None and rate.n_recent
    ]
    return " ".join(said) or None

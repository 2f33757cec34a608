"""Which days never fired, fired twice, or are stuck, and the command that heals each."""

import datetime as dt
import logging
from collections.abc import Iterator

from pipelines.changed_inputs import describe_change, find_changed_days
from pipelines.day_findings import DayCheck, DayFinding, Trouble, write_day_check
from pipelines.day_span import list_span
from pipelines.day_states import LakeDays, find_manifest, find_plan_record, read_lake_days
from pipelines.errors import MissingInputError, PermanentError
from pipelines.lake import Lake
from pipelines.published_list import MANIFEST_FILE, Manifest, digest
from pipelines.settings import Settings
from pipelines.source_outages import USUAL_DAYS
from pipelines.step_facts import StepFacts
from pipelines.tickets.claim import read_last_day

log = logging.getLogger(__name__)

N_DAYS = 30
"""How many days are looked at where nobody says."""


def check_last_days(last_day: dt.date, settings: Settings, lake: Lake) -> StepFacts:
    """Look at the last 30 days up to ``last_day`` and keep what was found, for the figures and for whoever asks."""
    checked = check_days(last_day - dt.timedelta(days=N_DAYS - 1), last_day, settings, lake)
    write_day_check(checked, lake)
    n_notes = len(checked.findings) - len(checked.to_heal)
    facts = (("days", N_DAYS), ("to_heal", len(checked.to_heal)), ("notes", n_notes))
    return StepFacts(step="checked days up to", day=last_day, facts=facts)


def check_days(first_day: dt.date, last_day: dt.date, settings: Settings, lake: Lake) -> DayCheck:
    """Look at each day from ``first_day`` to ``last_day``, the last day that is over. Nothing is written.

    Days before the first delivery of any source are not missing, nor are predictions of days before the first
    that was scored: that is history. Of a day that is stuck only the first step that did not happen is named.
    """
    days = read_lake_days(lake)
    begins = max(first_day, min(days.first_day or last_day, last_day))
    findings: list[DayFinding] = []
    digests = _Digests(lake)
    for day in list_span(begins, last_day):
        findings += _check_day(day, last_day, days, settings, digests)
    findings += _check_inputs(begins, last_day, settings, lake)
    findings.sort(key=lambda finding: finding.day)
    checked = DayCheck(first_day=first_day, last_day=last_day, findings=tuple(findings))
    log.info(checked.summary)
    return checked


def _check_day(
    day: dt.date, last_day: dt.date, days: LakeDays, settings: Settings, digests: "_Digests"
) -> Iterator[DayFinding]:
    lake = digests.lake
    for part in days.blocked.get(day, ()):
        yield DayFinding(
            day=day,
            trouble=Trouble.BLOCKED,
            what=f"{part.dataset} broke a block rule of its contract (part {part.part}); what was there stays",
            command=_command_of(part.dataset, part.part, day),
        )
    if day not in days.delivered:
        yield _tell(day, Trouble.NEVER_FIRED, "no source delivered anything", "ingest build score publish")
        return
    for source in _find_missing_sources(day, days, settings):
        yield DayFinding(
            day=day,
            trouble=Trouble.SOURCE_MISSING,
            what=f"{source} delivered in the week before and not on this day",
            command=f"prefail ingest --day {day} --source {source}, then "
            + _commands(day, "build score publish"),
        )
    if day not in days.built:
        yield _tell(day, Trouble.NOT_BUILT, "delivered, but no component-day of it", "build score publish")
        return
    if day not in days.scored:
        if day >= min(days.scored, default=last_day):
            yield _tell(day, Trouble.NOT_SCORED, "built, but no prediction of it", "score publish")
        return
    manifest = find_manifest(day, lake)
    if manifest is None:
        yield _tell(day, Trouble.NOT_PUBLISHED, "scored, but no list of it", "publish")
        return
    yield from _check_list(manifest, digests, is_read=_is_fresh(day, last_day, settings))
    yield from _check_tickets(manifest, last_day, days, settings, lake)


class _Digests:
    """Digests of the lake's objects, each read once: the lists of two days share most of their inputs."""

    def __init__(self, lake: Lake) -> None:
        self.lake = lake
        self._known: dict[str, str | None] = {}

    def of(self, key: str) -> str | None:
        """Return the SHA-256 of an object, null where there is none."""
        if key not in self._known:
            try:
                self._known[key] = digest(self.lake.store.read(key))
            except MissingInputError:
                self._known[key] = None
        return self._known[key]


def _check_list(manifest: Manifest, digests: _Digests, *, is_read: bool) -> Iterator[DayFinding]:
    """Compare the digests of what a list was made of with what is there now.

    An old list is out of date as soon as a late day comes in; that is to know, as nobody reads it any more.
    """
    made_of = (*manifest.inputs, manifest.predictions)
    changed = [part.key for part in made_of if digests.of(part.key) != part.sha256]
    if changed:
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        yield DayFinding(
            day=manifest.day,
            trouble=Trouble.OUT_OF_DATE,
            what=f"{changed[0]}{more} changed since the list was made of it",
            command=_commands(manifest.day, "score publish"),
            is_note=not is_read,
        )


def _check_tickets(
    manifest: Manifest, last_day: dt.date, days: LakeDays, settings: Settings, lake: Lake
) -> Iterator[DayFinding]:
    day = manifest.day
    followed = read_last_day(lake, settings.environment)
    # The tickets never go back: of a day before the last one that they follow, nothing is to be done.
    may_follow = _is_fresh(day, last_day, settings) and (followed is None or day >= followed)
    record = find_plan_record(day, lake)
    if record is None:
        if may_follow:
            yield _tell(day, Trouble.NO_TICKETS, "a list, but no ticket follows it", "tickets")
        return
    n_published = len(days.editions.get(day, ()))
    is_current = record.list_manifest == manifest.folder + MANIFEST_FILE
    if n_published > 1:
        which = "the tickets follow the last" if is_current else "the tickets follow an earlier one"
        yield DayFinding(
            day=day,
            trouble=Trouble.FIRED_TWICE,
            what=f"{n_published} different lists were published; in force is {manifest.edition}, {which}",
            command=_commands(day, "verify" if is_current or not may_follow else "tickets"),
            is_note=is_current or not may_follow,
        )


def _check_inputs(
    first_day: dt.date, last_day: dt.date, settings: Settings, lake: Lake
) -> Iterator[DayFinding]:
    for source in (source.name for source in settings.sources):
        again = f"prefail ingest --changed --list-days --source {source}"
        try:
            found = find_changed_days(
                settings, lake, source_names=[source], first_day=first_day, last_day=last_day
            )
        except PermanentError as error:
            # What one source has lost must not hide what is wrong with the others' days.
            what = f"{source} can't be compared with what was ingested: {error.message}"
            yield DayFinding(day=last_day, trouble=Trouble.INPUTS_CHANGED, what=what, command=again)
            continue
        for change in found.changes:
            then = _commands(change.day, "build score publish")
            yield DayFinding(
                day=change.day,
                trouble=Trouble.INPUTS_CHANGED,
                what=describe_change(change).partition(": ")[2],
                command=f"prefail ingest --day {change.day} --source {source}, then {then}",
                is_note=change.what == "gone",
            )


def _find_missing_sources(day: dt.date, days: LakeDays, settings: Settings) -> list[str]:
    before = [day - dt.timedelta(days=back) for back in range(1, USUAL_DAYS + 1)]
    lately = {name for past in before for name in days.delivered.get(past, ())}
    names = [source.name for source in settings.sources]
    return [name for name in names if name in lately and name not in days.delivered[day]]


def _is_fresh(day: dt.date, last_day: dt.date, settings: Settings) -> bool:
    """Return whether the ticket step would still follow the day's list, on the day after ``last_day``."""
    age_days = (last_day - day).days + 1
    return settings.tickets.is_simulated_clock or age_days <= settings.tickets.max_age_days


def _tell(day: dt.date, trouble: Trouble, what: str, steps: str) -> DayFinding:
    return DayFinding(day=day, trouble=trouble, what=what, command=_commands(day, steps))


def _commands(day: dt.date, steps: str) -> str:
    return ", ".join(f"prefail {step} --day {day}" for step in steps.split())


def _command_of(dataset: str, part: str, day: dt.date) -> str:
    if dataset.startswith("raw_"):
        return f"prefail ingest --day {day} --source {part}, then " + _commands(day, "build score publish")
    return _commands(day, "build score publish" if dataset.startswith("core_") else "score publish")

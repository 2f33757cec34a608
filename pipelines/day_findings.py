"""What is wrong with days, and the command that heals each; kept as ``monitoring/day_checks/day=<last day>.json``."""

import datetime as dt
import re
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, ValidationError

from pipelines.errors import PermanentError
from pipelines.lake import Lake

_FOLDER = "monitoring/day_checks"
_RECORD = re.compile(rf"^{_FOLDER}/day=(\d{{4}}-\d{{2}}-\d{{2}})\.json$")


class Trouble(StrEnum):
    """What is wrong with a day."""

    NEVER_FIRED = "never fired"
    SOURCE_MISSING = "a source is missing"
    BLOCKED = "blocked by a contract"
    NOT_BUILT = "stuck before build"
    NOT_SCORED = "stuck before score"
    NOT_PUBLISHED = "stuck before publish"
    NO_TICKETS = "stuck before tickets"
    FIRED_TWICE = "fired twice"
    INPUTS_CHANGED = "inputs changed later"
    OUT_OF_DATE = "list out of date"


class DayFinding(BaseModel):
    """One thing that is wrong with a day. ``is_note``: to know, nothing has to be healed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    day: dt.date
    trouble: Trouble
    what: str
    command: str
    is_note: bool = False


class DayCheck(BaseModel):
    """Findings of the days ``first_day`` to ``last_day``, by day, in the order in which they are to be healed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    first_day: dt.date
    last_day: dt.date
    findings: tuple[DayFinding, ...]

    @property
    def to_heal(self) -> tuple[DayFinding, ...]:
        """The findings that ask for a command."""
        return tuple(finding for finding in self.findings if not finding.is_note)

    @property
    def summary(self) -> str:
        """Return the check in one line."""
        n_days = (self.last_day - self.first_day).days + 1
        return (
            f"checked days {self.first_day} to {self.last_day}: days={n_days} to_heal={len(self.to_heal)} "
            f"notes={len(self.findings) - len(self.to_heal)}"
        )

    def require_whole(self) -> None:
        """Raise ``PermanentError`` with each finding that asks for a command, and that command."""
        if not self.to_heal:
            return
        said = "".join(
            f"\n  - {each.day} {each.trouble}: {each.what}\n    {each.command}" for each in self.to_heal
        )
        raise PermanentError(
            f"{len(self.to_heal)} findings about the days {self.first_day} to {self.last_day}:{said}\n"
            "Nothing was changed. Run these commands, oldest day first, or clear the step's task in the Airflow UI.",
            days=tuple(each.day.isoformat() for each in self.to_heal),
        )


def write_day_check(checked: DayCheck, lake: Lake) -> None:
    """Keep a check under its last day."""
    lake.write_json(f"{_FOLDER}/day={checked.last_day}.json", checked.model_dump(mode="json"))


def read_day_check(last_day: dt.date, lake: Lake) -> DayCheck:
    """Return the check that was kept under its last day; ``MissingInputError`` if there is none.

    ``PermanentError`` if it can't be read.
    """
    key = f"{_FOLDER}/day={last_day}.json"
    try:
        return DayCheck.model_validate_json(lake.store.read(key))
    except ValidationError as damaged:
        raise PermanentError(
            f"{lake.store.uri(key)} is no check of days that this release can read. No day, list or ticket depends on "
            "it. Delete it, and check again: prefail days check",
            key=key,
        ) from damaged


def find_newest_check(day: dt.date, lake: Lake) -> DayCheck | None:
    """Return the newest check that was kept up to ``day``, null if there is none."""
    found = [_RECORD.match(item.key) for item in lake.store.list_keys(f"{_FOLDER}/")]
    days = [each for match in found if match and (each := dt.date.fromisoformat(match.group(1))) <= day]
    return read_day_check(max(days), lake) if days else None

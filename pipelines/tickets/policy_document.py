"""What a ticket policy may say, as data: the form of ``policy.yaml``. What is not said does not hold anything back."""

import datetime as dt
import hashlib
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Count = Annotated[int, Field(ge=0)]
Sentence = Annotated[str, Field(min_length=3, max_length=200)]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
CauseKind = Literal["host", "rack", "firmware", "batch", "model"]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Costs(_Section):
    """What a visit in vain and a failure without warning cost, in one currency."""

    false_alarm: float = Field(gt=0, allow_inf_nan=False)
    missed_failure: float = Field(gt=0, allow_inf_nan=False)

    @property
    def break_even_risk(self) -> float:
        """The risk from which a ticket saves money: ``risk · missed_failure > (1 − risk) · false_alarm``.

        The cost-sensitive threshold of Elkan, The Foundations of Cost-Sensitive Learning, IJCAI 2001.
        The repair itself is on neither side: a part that fails has to be replaced either way.
        """
        return self.false_alarm / (self.false_alarm + self.missed_failure)


class Budget(_Section):
    """How many new tickets a day. Null is ``list.k_per_day``; ``while_it_pays`` is every entry worth its visit."""

    new_per_day: Count | Literal["while_it_pays"] | None = None
    new_per_site: dict[str, Count] = {}
    new_per_other_site: Count | None = None


class ColdStart(_Section):
    """A fresh fleet shows years of standing faults at once: fewer new tickets a day on the first ``days``."""

    days: int = Field(ge=1)
    new_per_day: Count


class Silence(_Section):
    """What is not spoken of before ``until``; an entry that has all the named properties is meant.

    ``signal`` is the first reason of the entry. ``snooze``: later; ``wont_fix``: known and accepted.
    """

    what: Literal["snooze", "wont_fix"]
    serial: str | None = None
    model: str | None = None
    firmware: str | None = None
    signal: str | None = None
    until: dt.date
    who: Sentence
    why: Sentence

    @model_validator(mode="after")
    def _has_a_scope(self) -> "Silence":
        if not (self.serial or self.model or self.firmware or self.signal):
            raise ValueError("name at least one of serial, model, firmware and signal")
        return self


class Freeze(_Section):
    """Days ``first`` to ``last``, both included, on which a site (null: every site) gets no new ticket.

    Entries of at least ``except_from_risk`` get theirs all the same; null makes no exception.
    """

    site: str | None = None
    first: dt.date
    last: dt.date
    except_from_risk: Share | None = None
    who: Sentence
    why: Sentence

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> "Freeze":
        if self.last < self.first:
            raise ValueError(f"the freeze ends on {self.last}, before it starts on {self.first}")
        return self


class Maintenance(_Section):
    """``windows``: the weekdays on which a site works; due days fall on them. ``freezes`` hold new tickets."""

    windows: dict[str, Annotated[tuple[Weekday, ...], Field(min_length=1)]] = {}
    freezes: tuple[Freeze, ...] = ()


class Redundancy(_Section):
    """Hosts of a redundancy group that may have an open ticket at a time; null is no limit."""

    can_lose: Count | None = None
    groups: dict[str, Count] = {}

    def limit(self, group: str) -> int | None:
        """Return how many hosts a group can lose, null where nobody says."""
        return self.groups.get(group, self.can_lose)


class RackVisit(_Section):
    """A part in a rack with a ticket overtakes a higher rank, if its risk is at least this share of that one's."""

    at_least_risk_share: Share


class Spares(_Section):
    """Parts in stock by hardware model, here or in a CSV file ``model,in_stock`` beside the policy."""

    in_stock: dict[str, Count] = {}
    file: str | None = None
    without: Literal["open", "wait"] = "open"


class Storm(_Section):
    """When one parent ticket about a shared cause takes the place of many.

    ``new_tickets``: how many on one day, by kind of cause; a kind that is not named makes no storm.
    ``over_representation``: the cause's share of the list over its share of the fleet, at least.
    ``settle_days``: rest after a fix, because windows look back.
    """

    new_tickets: dict[CauseKind, Annotated[int, Field(ge=2)]]
    over_representation: float = Field(default=3.0, ge=1.0)
    settle_days: Count = 7


class PolicyDocument(_Section):
    """A whole policy. ``version`` is the user's own, raised with every change; reasons name it."""

    version: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$")]
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$")]
    minimum_risk: Share = 0.0
    costs: Costs | None = None
    budget: Budget = Budget()
    cold_start: ColdStart | None = None
    silences: tuple[Silence, ...] = ()
    maintenance: Maintenance = Maintenance()
    redundancy: Redundancy = Redundancy()
    rack_visit: RackVisit | None = None
    spares: Spares | None = None
    storm: Storm | None = None

    @model_validator(mode="after")
    def _knows_its_costs(self) -> "PolicyDocument":
        if self.budget.new_per_day == "while_it_pays" and self.costs is None:
            raise ValueError("budget.new_per_day = while_it_pays needs costs")
        return self

    @property
    def digest(self) -> str:
        """What the policy says, its spare parts included, in 8 hexadecimal digits."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:8]

    @property
    def label(self) -> str:
        """How reasons name the policy: name, version and digest."""
        return f"policy {self.name} {self.version}, {self.digest}"

    def shorten(self, reason: str) -> str:
        """Return a reason without the policy's label, for a page that names it once for all."""
        return reason.removesuffix(f" ({self.label})")


NO_RULES = PolicyDocument(version="0", name="none")

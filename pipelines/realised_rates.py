"""How often tickets proved right, as was known when a list was made: read by the report and by new tickets.

``collect_outcomes`` writes ``realised_rates/day=<day>/rates.json`` once a day. A list of a day is made
before the outcomes of that day are collected, so it reads those of an earlier day, now and when it is
verified.
"""

import datetime as dt
import re
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from features.proportions import Interval, wilson_interval
from pipelines.lake import Lake

ROOT = "realised_rates"
N_RECENT = 20
"""Of how many tickets "of the last 20 like this" speaks."""

_DAY_IN_KEY = re.compile(rf"{ROOT}/day=(\d{{4}}-\d{{2}}-\d{{2}})/rates\.json$")


class RateScope(StrEnum):
    """By what the tickets are told apart. ``MODEL`` is what gave the risk: a model_id."""

    ALL = "all"
    MODEL = "model"
    HARDWARE_MODEL = "hardware model"
    SITE = "site"
    PLAYBOOK_ENTRY = "playbook entry"


class RealisedRate(BaseModel):
    """What became of the closed tickets of one scope and name.

    ``n_fixed``: reseated or firmware. ``n_uncertain``: the part was replaced, and nobody confirmed a
    fault. ``n_unknown``: nobody said what they found. ``n_recent`` and ``n_recent_confirmed`` count the
    last ``N_RECENT`` tickets on which somebody found a fault or none. ``median_lead_days``: from the
    opening to the failure, of the tickets whose part failed; None where none did.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    scope: RateScope
    name: str
    n_closed: int
    n_confirmed: int
    n_no_fault_found: int
    n_fixed: int
    n_declined: int
    n_uncertain: int
    n_unknown: int
    n_recent: int
    n_recent_confirmed: int
    median_lead_days: float | None

    @property
    def n_judged(self) -> int:
        """Tickets on which somebody looked and found a fault or none."""
        return self.n_confirmed + self.n_no_fault_found

    @property
    def precision(self) -> float | None:
        """Confirmed among judged; a part that was replaced on our advice is no false alarm."""
        return self.n_confirmed / self.n_judged if self.n_judged else None

    @property
    def precision_interval(self) -> Interval | None:
        """95 % interval of ``precision``."""
        return wilson_interval(self.n_confirmed, self.n_judged)


class RealisedRates(BaseModel):
    """All rates as of the evening of ``day``, over tickets closed in ``[first_day, day]``.

    ``day`` is None where no outcome was ever collected.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    day: dt.date | None
    first_day: dt.date | None
    rates: tuple[RealisedRate, ...]

    def find(self, scope: RateScope, name: str = "") -> RealisedRate | None:
        """Return one rate, None where no such ticket was closed; ``RateScope.ALL`` has no name."""
        return next((each for each in self.rates if each.scope is scope and each.name == name), None)

    def list_scope(self, scope: RateScope) -> tuple[RealisedRate, ...]:
        """Return the rates of one scope, the most tickets first."""
        chosen = (each for each in self.rates if each.scope is scope)
        return tuple(sorted(chosen, key=lambda each: (-each.n_closed, each.name)))


def read_realised_rates(lake: Lake, day: dt.date) -> RealisedRates:
    """Return the latest rates that were known when the list of ``day`` was made: of a day before ``day``."""
    found = (_DAY_IN_KEY.search(item.key) for item in lake.store.list_keys(f"{ROOT}/day="))
    days = [known for match in found if match and (known := dt.date.fromisoformat(match.group(1))) < day]
    if not days:
        return RealisedRates(day=None, first_day=None, rates=())
    return RealisedRates.model_validate_json(lake.store.read(_rates_key(max(days))))


def write_realised_rates(rates: RealisedRates, day: dt.date, lake: Lake) -> None:
    """Write the rates as of the evening of ``day``, replacing those of an earlier run."""
    lake.write_json(_rates_key(day), rates.model_dump(mode="json"))


def _rates_key(day: dt.date) -> str:
    return f"{ROOT}/day={day.isoformat()}/rates.json"

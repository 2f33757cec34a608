"""What the report of a day's list says; plain values, so that the page can be made without a lake."""

import datetime as dt
from dataclasses import dataclass

from features.evidence import Reason
from pipelines.realised_rates import RealisedRates


@dataclass(frozen=True, kw_only=True)
class Series:
    """One value a day, oldest first, up to the as-of day; null = not reported."""

    label: str
    unit: str
    days: tuple[dt.date, ...]
    values: tuple[float | None, ...]


@dataclass(frozen=True, kw_only=True)
class LogLine:
    """Known hardware events that say the same: one line of them, how many there were, first and last time (UTC).

    ``text`` is fit to be shown: bounded, control characters spelled out.
    """

    text: str
    severity: str
    count: int
    first_at: dt.datetime
    last_at: dt.datetime


@dataclass(frozen=True, kw_only=True)
class LogExcerpt:
    """What the logs said in ``n_days`` days up to the list's: of ``about`` ("this DIMM"), the worst first.

    ``n_left_out`` counts further lines of other words.
    """

    about: str
    n_days: int
    lines: tuple[LogLine, ...]
    n_left_out: int


@dataclass(frozen=True, kw_only=True)
class ListEntry:
    """One listed component: what to do, by when, and why. ``risk_series`` is by the model of today's list.

    ``scored_by`` says in words what gave the risk. ``log``: null where no log of its host has a known line.
    """

    rank: int
    host_id: str
    host_risk: float
    component_id: str
    component_kind: str
    model: str
    slot: str | None
    rack: str | None
    site: str | None
    target: str
    model_id: str
    risk: float
    due_day: dt.date
    check_first: str
    reasons: tuple[Reason, ...]
    signal_series: tuple[Series, ...]
    risk_series: Series
    scored_by: str
    log: LogExcerpt | None

    @property
    def location(self) -> str:
        """Site, rack and slot as far as they are known."""
        named = (("", self.site), ("rack ", self.rack), ("slot ", self.slot))
        return ", ".join(f"{word}{value}" for word, value in named if value)


@dataclass(frozen=True, kw_only=True)
class BudgetFigures:
    """Precision and recall per component at one budget (new tickets per 10,000 components per 30 days)."""

    budget: float
    precision: float
    recall: float
    rule_precision: float
    rule_recall: float


@dataclass(frozen=True, kw_only=True)
class ScorerDescription:
    """What gave the risks of one target, and how good it was on days that it had not seen."""

    target: str
    question: str
    model_id: str
    scored_by: str
    trained_as_of: dt.date | None
    rule: str
    figures: tuple[BudgetFigures, ...]
    silent_share: float | None


@dataclass(frozen=True, kw_only=True)
class ContractOutcome:
    """The verdict on one dataset of the day, and where its details are (a link relative to the report)."""

    dataset: str
    verdict: str
    detail: str
    link: str | None


@dataclass(frozen=True, kw_only=True)
class AbstentionCount:
    """How many components were not scored for one reason."""

    reason: str
    count: int


@dataclass(frozen=True, kw_only=True)
class Abstention:
    """One component that was not scored."""

    host_id: str
    component_id: str
    component_kind: str
    model: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Report:
    """All that is on the page. ``risks`` are of every scored component, for their distribution.

    ``outages``: what was not delivered or built, and whom that left out, a sentence each.
    """

    environment: str
    day: dt.date
    list_length: int
    minimum_risk: float
    scorers: tuple[ScorerDescription, ...]
    contracts: tuple[ContractOutcome, ...]
    data_docs_link: str
    plan_link: str
    outages: tuple[str, ...]
    realised: RealisedRates
    entries: tuple[ListEntry, ...]
    risks: tuple[float, ...]
    abstention_counts: tuple[AbstentionCount, ...]
    abstentions: tuple[Abstention, ...]
    code_version: str

    @property
    def n_scored(self) -> int:
        """Components with a risk."""
        return len(self.risks)

    @property
    def n_abstained(self) -> int:
        """Components without one."""
        return sum(count.count for count in self.abstention_counts)

    @property
    def n_hosts(self) -> int:
        """Hosts on the list."""
        return len({entry.host_id for entry in self.entries})

    @property
    def expected_failures(self) -> float:
        """Listed components that will fail within the horizon, if the risks are calibrated."""
        return sum(entry.risk for entry in self.entries)

"""A simulated fleet: which drive sits where, when each fails, and what each counts until then.

Everything is drawn once from the seed, for the whole span; a day is then a look at it. So a day's
readings do not depend on which days were asked for before.

- Lifetimes are Weibull, by model, given the age that a drive has when the simulation begins.
- About 55 % of the failing drives show it 5 to 40 days before (reallocated, pending, uncorrectable
  sectors); the others fail without a sign, as about half of the real ones do.
- Healthy drives are not clean: some have a few old reallocated sectors, some collect link errors.
- A failed drive's slot gets a new drive within days. Some drives are taken out without having failed.
- Counters restart at zero in a few drives (firmware updates); drive-days and host-days go missing;
  one failure in fifty has a stray row on the day after.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.simulated_models import MODELS

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

COUNTERS = ("reallocated", "pending", "uncorrectable", "timeouts", "crc", "power_cycles", "seek_errors")
SHARE_OF_FAILURES_WITH_SIGNS = 0.55
_NEVER = np.int64(1 << 40)
_YEAR_DAYS = 365.25
_SERVICE_YEARS = 5.0  # the span over which the annual failure rate is meant
_REMOVALS_PER_YEAR = 0.01
_MISSING_DRIVE_DAYS = 0.004
_MISSING_HOST_DAYS = 0.002


@dataclass(frozen=True, kw_only=True)
class FleetPlan:
    """What to simulate. ``annual_failure_rate`` is the mean over models and the first five years."""

    n_hosts: int
    drives_per_host: int
    n_days: int
    seed: int
    annual_failure_rate: float


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """All drives of the span. Arrays have shape (drives,); days count from 0 = the first day.

    A drive is in service in ``[first_day, last_day]``. ``failure_day`` is its last day of service if
    it fails, else ``_NEVER``; ``sign_day`` is the first day of degradation, else ``_NEVER``: both are
    the truth that no reading tells. ``installed_day`` is negative for drives from before. The events
    add ``increment`` to ``counter`` (an index of ``COUNTERS``) of ``drive`` on ``day``.
    """

    plan: FleetPlan
    slot: Ints
    model: Ints
    installed_day: Ints
    first_day: Ints
    last_day: Ints
    failure_day: Ints
    sign_day: Ints
    has_stray_row: Bools
    event_drive: Ints
    event_day: Ints
    event_counter: Ints
    event_increment: Ints

    @property
    def is_failing(self) -> Bools:
        """Drives that fail within the span."""
        return self.failure_day < self.plan.n_days

    def serial_numbers(self, drives: Ints) -> list[str]:
        """Names in the style of each model's maker; unique, and the same for the same seed."""
        return [
            f"{MODELS[self.model[d]].serial_prefix}{self.plan.seed % 1000:03d}{d:06d}"
            for d in drives.tolist()
        ]

    def drives_reporting(self, day: int) -> Ints:
        """Drives that have a row on ``day``, in order: in service, and not lost on the way."""
        rng = np.random.default_rng([self.plan.seed, 1, day])
        is_lost = rng.random(len(self.slot)) < _MISSING_DRIVE_DAYS
        is_host_lost = rng.random(self.plan.n_hosts) < _MISSING_HOST_DAYS
        is_lost |= is_host_lost[self.slot // self.plan.drives_per_host]
        in_service = (self.first_day <= day) & (day <= self.last_day)
        is_stray = self.has_stray_row & (day == self.failure_day + 1)
        return np.flatnonzero((in_service & ~is_lost) | (day == self.failure_day) | is_stray)

    def count_until(self, day: int) -> Ints:
        """Return each counter of each drive at the end of ``day``, shape (counters, drives)."""
        seen = self.event_day <= day
        cells = self.event_counter[seen] * len(self.slot) + self.event_drive[seen]
        sums = np.bincount(cells, self.event_increment[seen], minlength=len(COUNTERS) * len(self.slot))
        # Float sums of integers below 2^53 are exact. After a reset nothing is left to take back.
        return np.maximum(sums, 0).astype(np.int64).reshape(len(COUNTERS), -1)


def simulate_fleet(plan: FleetPlan) -> Fleet:
    """Draw the whole fleet; the same plan always gives the same fleet."""
    rng = np.random.default_rng([plan.seed, 0])
    n_slots = plan.n_hosts * plan.drives_per_host
    # A host is filled with one model, as hosts are bought.
    model_of_host = rng.choice(len(MODELS), plan.n_hosts, p=[model.share for model in MODELS])
    slots = np.arange(n_slots)
    starts = np.zeros(n_slots, np.int64)
    ages = (rng.random(n_slots) * 4 * _YEAR_DAYS).astype(np.int64)
    columns: list[tuple[Ints, ...]] = []
    while len(slots):
        models = model_of_host[slots // plan.drives_per_host]
        residual = _draw_residual_days(rng, models, ages, plan.annual_failure_rate)
        removal = rng.exponential(_YEAR_DAYS / _REMOVALS_PER_YEAR, len(slots)).astype(np.int64)
        fails = residual <= removal
        last = starts + np.where(fails, residual, removal)
        columns.append((slots, models, starts - ages, starts, last, np.where(fails, last, _NEVER)))
        next_starts = last + rng.integers(1, 6, len(slots))
        is_next = next_starts < plan.n_days
        slots, starts = slots[is_next], next_starts[is_next]
        ages = np.zeros(len(slots), np.int64)
    slot, model, installed, first, last, failure = (
        np.concatenate(parts) for parts in zip(*columns, strict=True)
    )
    has_sign = (failure < _NEVER) & (rng.random(len(slot)) < SHARE_OF_FAILURES_WITH_SIGNS)
    sign = np.where(has_sign, failure - rng.integers(5, 41, len(slot)), _NEVER)
    has_stray = (failure < _NEVER) & (rng.random(len(slot)) < 0.02)
    events = _draw_events(rng, plan, first, last, failure, sign)
    return Fleet(
        plan=plan,
        slot=slot,
        model=model,
        installed_day=installed,
        first_day=first,
        last_day=last,
        failure_day=failure,
        sign_day=sign,
        has_stray_row=has_stray,
        event_drive=events[0],
        event_day=events[1],
        event_counter=events[2],
        event_increment=events[3],
    )


def _draw_residual_days(
    rng: np.random.Generator, models: Ints, ages: Ints, annual_failure_rate: float
) -> Ints:
    """Draw days to failure, Weibull, given survival to ``ages`` (days)."""
    shape = np.array([model.weibull_shape for model in MODELS])[models]
    rate = annual_failure_rate * np.array([model.relative_failure_rate for model in MODELS])[models]
    service = _SERVICE_YEARS * _YEAR_DAYS
    # Cumulative hazard (t / scale) ** shape reaches rate * 5 years at 5 years.
    scale = service * (rate * _SERVICE_YEARS) ** (-1 / shape)
    hazard = (ages / scale) ** shape + rng.exponential(1.0, len(models))
    residual: Floats = scale * hazard ** (1 / shape) - ages
    return np.maximum(residual.astype(np.int64), 1)


def _draw_events(
    rng: np.random.Generator, plan: FleetPlan, first: Ints, last: Ints, failure: Ints, sign: Ints
) -> tuple[Ints, Ints, Ints, Ints]:
    """Draw every step of every counter: drive, day, counter, increment."""
    n = len(first)
    everyone = np.arange(n)
    before = first - 1
    span = np.maximum(1, np.minimum(last, plan.n_days - 1) - first + 1)
    parts: list[tuple[Ints, Ints, Ints, Ints]] = []

    def add(counter: str, drives: Ints, days: Ints, increments: Ints) -> None:
        code = np.full(len(drives), COUNTERS.index(counter), np.int64)
        parts.append((drives, days.astype(np.int64), code, increments.astype(np.int64)))

    def add_at_random(counter: str, drives: Ints, mean_increment: float) -> None:
        days = first[drives] + (rng.random(len(drives)) * span[drives]).astype(np.int64)
        add(counter, drives, days, 1 + rng.poisson(mean_increment, len(drives)))

    # What drives bring along, and what healthy ones collect.
    add("power_cycles", everyone, before, 2 + rng.poisson(6, n))
    add_at_random("power_cycles", np.repeat(everyone, rng.poisson(span / 90)), 0)
    scarred = np.flatnonzero(rng.random(n) < 0.04)
    add("reallocated", scarred, before[scarred], 8 * (1 + rng.poisson(2, len(scarred))))
    add_at_random("reallocated", np.repeat(scarred, rng.poisson(span[scarred] / 500)), 7)
    bad_cables = np.flatnonzero(rng.random(n) < 0.03)
    add_at_random("crc", np.repeat(bad_cables, rng.poisson(span[bad_cables] / 12)), 20)
    add_at_random("timeouts", np.repeat(everyone, rng.poisson(span / 400)), 0)
    add_at_random("seek_errors", np.repeat(everyone, rng.poisson(span / 150)), 0)
    # Pending sectors of healthy drives are written again after a while, and are no longer pending.
    flaky = np.flatnonzero(rng.random(n) < 0.01)
    begins = first[flaky] + (rng.random(len(flaky)) * span[flaky]).astype(np.int64)
    sectors = 8 * (1 + rng.poisson(1, len(flaky)))
    add("pending", flaky, begins, sectors)
    add("pending", flaky, begins + rng.integers(3, 15, len(flaky)), -sectors)

    # Degradation: from the sign on, most days bring more, and more each time.
    ill = np.flatnonzero(sign < _NEVER)
    days_ill = failure[ill] - sign[ill] + 1
    drives = np.repeat(ill, days_ill)
    offset = np.arange(len(drives)) - np.repeat(np.cumsum(days_ill) - days_ill, days_ill)
    worsening = np.repeat(rng.gamma(2.0, 3.0, len(ill)), days_ill) * (1 + offset) / 8
    for counter, share, strength in (
        ("reallocated", 0.75, 8.0),
        ("pending", 0.65, 4.0),
        ("uncorrectable", 0.6, 1.0),
        ("timeouts", 0.3, 0.5),
    ):
        shows = np.repeat(rng.random(len(ill)) < share, days_ill) & (rng.random(len(drives)) < 0.6)
        add(
            counter,
            drives[shows],
            sign[drives[shows]] + offset[shows],
            1 + rng.poisson(strength * worsening[shows]),
        )

    drive, day, code, increment = (np.concatenate(part) for part in zip(*parts, strict=True))
    return _with_resets(rng, n, first, span, drive, day, code, increment)


def _with_resets(
    rng: np.random.Generator,
    n: int,
    first: Ints,
    span: Ints,
    drive: Ints,
    day: Ints,
    code: Ints,
    increment: Ints,
) -> tuple[Ints, Ints, Ints, Ints]:
    """Take back, in 1 % of the drives on one day, all that was counted before it."""
    reset_day = first + (rng.random(n) * span).astype(np.int64)
    is_reset = (rng.random(n) < 0.01)[drive] & (day < reset_day[drive])
    return (
        np.concatenate([drive, drive[is_reset]]),
        np.concatenate([day, reset_day[drive[is_reset]]]),
        np.concatenate([code, code[is_reset]]),
        np.concatenate([increment, -increment[is_reset]]),
    )

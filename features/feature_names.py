"""What a feature's name means: ``<signal>_<aggregate>[_<window>d]``.

Windows are calendar days: ``_7d`` on day d looks at the seven days in (d-7, d].

=====================  ==================================================================================
``level``              the value on the day itself
``delta_<w>d``         value on the day minus the last known value at or before day d-w
``increase_<w>d``      sum of the positive steps in the window; a negative step is a new life, not a repair
``changes_<w>d``       days in the window whose step is not zero
``maxstep_<w>d``       largest positive step in the window, 0 if none
``dayssincechange``    days since the last non-zero step, 90 if there was none within 90 days
``dayssincefirst``     days since the oldest day above zero of the last 90; -1 if there is none
``mean_<w>d``           also min, max, std (population), slope (per day): of the reported values
``percentile``         0..1, mid-rank of today's value among the same model on the same day
=====================  ==================================================================================

Of several signals (the tuple of error signals that the target names): ``signals_changed_<w>d``,
``signals_nonzero``, ``signals_missing``. Of the component: ``days_reported_<w>d``, ``capacity_bytes``.

A step of day t is ``value[t] - last known value at or before t-1``. "Last known" is carried for at
most ``MAX_GAP_DAYS`` days, so that a feature never depends on anything before its lookback. Whatever
is unknown is NaN, never zero.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, cast, get_args

MAX_WINDOW_DAYS = 90
MAX_GAP_DAYS = 7

SignalAggregate = Literal[
    "level", "delta", "increase", "changes", "maxstep", "dayssincechange", "dayssincefirst",
    "min", "max", "mean", "std", "slope", "percentile",
]  # fmt: skip
ComponentAggregate = Literal[
    "signals_changed", "signals_nonzero", "signals_missing", "days_reported", "capacity_bytes"
]  # fmt: skip

_WINDOWED = frozenset({"delta", "increase", "changes", "maxstep", "min", "max", "mean", "std", "slope"})
_CARRIED = frozenset({"delta", "increase", "changes", "maxstep", "dayssincechange", "signals_changed"})
_OF_ERROR_SIGNALS = frozenset({"signals_changed", "signals_nonzero", "signals_missing"})

_SIGNAL_FEATURE = re.compile(
    rf"(?P<signal>[a-z][a-z0-9_]*?)_(?P<aggregate>{'|'.join(get_args(SignalAggregate))})"
    r"(?:_(?P<window>[1-9][0-9]?)d)?"
)
_COMPONENT_FEATURE = re.compile(
    r"(?P<windowed>signals_changed|days_reported)_(?P<window>[1-9][0-9]?)d"
    r"|(?P<plain>signals_nonzero|signals_missing|capacity_bytes)"
)


class FeatureNameError(ValueError):
    """Feature names that the grammar does not know, or whose signal is not there; ``problems`` has all."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)

    def __reduce__(self) -> tuple[type["FeatureNameError"], tuple[tuple[str, ...]]]:
        return type(self), (self.problems,)


@dataclass(frozen=True, kw_only=True)
class FeatureSpec:
    """One feature. ``signal`` is None for features of the component as a whole."""

    name: str
    signal: str | None
    aggregate: SignalAggregate | ComponentAggregate
    window_days: int | None

    @property
    def lookback_days(self) -> int:
        """How many days before the as-of day can change the value."""
        if self.aggregate == "dayssincechange":
            return MAX_WINDOW_DAYS + MAX_GAP_DAYS - 1
        if self.aggregate == "dayssincefirst":
            return MAX_WINDOW_DAYS - 1
        if self.window_days is None:
            return 0
        # The first step of the window compares with a value carried from before the window.
        return self.window_days - 1 + (MAX_GAP_DAYS if self.aggregate in _CARRIED else 0)


def parse_feature(name: str) -> FeatureSpec:
    """Return what a name means; ``FeatureNameError`` if the grammar does not know it."""
    if found := _COMPONENT_FEATURE.fullmatch(name):
        return _spec(name, None, found["windowed"] or found["plain"], found["window"])
    if found := _SIGNAL_FEATURE.fullmatch(name):
        if (found["aggregate"] in _WINDOWED) == (found["window"] is not None):
            return _spec(name, found["signal"], found["aggregate"], found["window"])
        wrong = "needs a window" if found["aggregate"] in _WINDOWED else "has no window"
        raise FeatureNameError(
            [f"{name}: {found['aggregate']} {wrong}, as in {_example(found['aggregate'])}"]
        )
    raise FeatureNameError(
        [f"{name}: not <signal>_<aggregate>[_<window>d] with a window of 1 to {MAX_WINDOW_DAYS} days"]
    )


def parse_features(
    names: Iterable[str], *, signals: Sequence[str], error_signals: Sequence[str] = ()
) -> tuple[FeatureSpec, ...]:
    """Return the meaning of every name, in order; ``FeatureNameError`` names all that are wrong.

    ``signals`` are those that exist, ``error_signals`` those that ``signals_…`` features speak of.
    """
    specs: list[FeatureSpec] = []
    problems = [
        f"{signal}: an error signal that is not there" for signal in error_signals if signal not in signals
    ]
    seen: set[str] = set()
    for name in names:
        try:
            spec = parse_feature(name)
        except FeatureNameError as unknown:
            problems += unknown.problems
            continue
        if spec.signal is not None and spec.signal not in signals:
            problems.append(f"{name}: no signal {spec.signal}; there are {', '.join(signals)}")
        if spec.aggregate in _OF_ERROR_SIGNALS and not error_signals:
            problems.append(f"{name}: needs error signals, and none are named")
        if name in seen:
            problems.append(f"{name}: named twice")
        seen.add(name)
        specs.append(spec)
    if problems:
        raise FeatureNameError(problems)
    return tuple(specs)


def lookback_days(specs: Iterable[FeatureSpec]) -> int:
    """Return how many days before the as-of day can change any of the features."""
    return max((spec.lookback_days for spec in specs), default=0)


def _spec(name: str, signal: str | None, aggregate: str, window: str | None) -> FeatureSpec:
    days = None if window is None else int(window)
    if days is not None and days > MAX_WINDOW_DAYS:
        raise FeatureNameError([f"{name}: a window of {days} days; at most {MAX_WINDOW_DAYS}"])
    return FeatureSpec(
        name=name,
        signal=signal,
        aggregate=cast("SignalAggregate | ComponentAggregate", aggregate),
        window_days=days,
    )


def _example(aggregate: str) -> str:
    return f"pending_sectors_{aggregate}" + ("_7d" if aggregate in _WINDOWED else "")

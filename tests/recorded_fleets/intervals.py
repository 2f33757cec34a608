"""How far chance alone moves an average precision: components are drawn again, with all their days and lives."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.evaluation import BoolArray, FloatArray

N_DRAWS = 200
_CONFIDENCE = 0.95


@dataclass(frozen=True, kw_only=True)
class Spread:
    """An estimate and the interval that 95 % of the draws lie in."""

    estimate: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.estimate:.3f} [{self.low:.3f}, {self.high:.3f}]"

    @property
    def as_difference(self) -> str:
        """The same with signs."""
        return f"{self.estimate:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"


def draw_average_precisions(
    risk: FloatArray, fails: BoolArray, component: npt.NDArray[np.int64], *, seed: int
) -> FloatArray:
    """Return the average precision of the rows (N,), then of ``N_DRAWS`` draws (1 + draws,).

    Each draw gives each component a Poisson(1) weight; one seed gives all scorers the same draws.
    """
    order = np.argsort(-risk, kind="stable")
    hits, owner = fails[order], component[order]
    end = np.r_[np.flatnonzero(np.diff(risk[order])), len(risk) - 1]
    random = np.random.default_rng(seed)
    n_components = int(component.max()) + 1
    values = [_average_precision(np.ones(len(risk)), hits, end)]
    for _ in range(N_DRAWS):
        weight = random.poisson(1.0, n_components).astype(np.float64)
        values.append(_average_precision(weight[owner], hits, end))
    return np.array(values)


def summarise(values: FloatArray) -> Spread:
    """Return the first of the values, and the interval of the others."""
    low, high = np.quantile(values[1:], [(1 - _CONFIDENCE) / 2, (1 + _CONFIDENCE) / 2])
    return Spread(estimate=float(values[0]), low=float(low), high=float(high))


def _average_precision(weight: FloatArray, hits: BoolArray, end: npt.NDArray[np.int64]) -> float:
    true_positives, flagged = np.cumsum(weight * hits)[end], np.cumsum(weight)[end]
    if true_positives[-1] == 0:
        return 0.0
    steps = np.diff(true_positives, prepend=0.0) / true_positives[-1]
    precision = np.divide(true_positives, flagged, out=np.zeros_like(flagged), where=flagged > 0)
    return float(steps @ precision)

"""How a day's risks and abstentions lie to those of the four weeks before."""

import datetime as dt
import math
import statistics
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.drift import Counts, bins_moved, population_stability, stability_noise
from features.population import N_BINS, population_bins
from features.signal_shifts import RECENT_DAYS, WINDOW_DAYS
from pipelines.drift_settings import DriftSettings, FindingKind
from pipelines.lake import Lake
from pipelines.monitoring.findings import Finding, ScoreState

PREDICTIONS = "out_predictions"
_COLUMNS = ("target", "component_kind", "risk", "model_id")
# Of four weeks every third day: a risk is made of weeks of readings and looks alike on the next day.
_EVERY = 3
_MINIMUM_DAYS = 4
# Puts a risk of 1/32768 into the first bin of a histogram and 1 into the 61st: quarter octaves all the way.
_RISK_SCALE = np.float32(32768)
# A fifth of the risk, as for signals: more and the list's threshold means something else.
_MINIMUM_BINS = 1.0


def read_reference_predictions(day: dt.date, lake: Lake) -> tuple[pa.Table, ...]:
    """Return out_predictions of every third day of ``(day - 35, day - 7]`` that was scored."""
    days = (day - dt.timedelta(days=back) for back in range(RECENT_DAYS, WINDOW_DAYS, _EVERY))
    return tuple(lake.read_day(PREDICTIONS, at, _COLUMNS) for at in days if lake.has_day(PREDICTIONS, at))


def read_predictions(day: dt.date, lake: Lake) -> pa.Table:
    """Return what drift looks at of a day's out_predictions."""
    return lake.read_day(PREDICTIONS, day, _COLUMNS)


def judge_scores(
    predictions: pa.Table, reference: Sequence[pa.Table], day: dt.date, policy: DriftSettings
) -> tuple[list[ScoreState], list[Finding]]:
    """Return each target's state and what there is to say of it.

    Only days scored by the same model are compared: another one gives other risks on purpose.
    """
    states, findings = [], []
    for target in sorted(predictions["target"].unique().to_pylist()):
        rows = _of_target(predictions, target)
        model_id = rows["model_id"][0].as_py()
        past = [of for table in reference if (of := _of_target(table, target)).num_rows]
        same_model = [of for of in past if of["model_id"][0].as_py() == model_id]
        abstained = rows["risk"].null_count / rows.num_rows
        usual = [of["risk"].null_count / of.num_rows for of in past]
        before = _histogram(same_model if len(same_model) >= _MINIMUM_DAYS else [])
        now = _histogram([rows])
        psi = population_stability(before, now)
        state = ScoreState(
            target=target,
            model_id=model_id,
            psi=None if math.isnan(psi) else round(psi, 4),
            abstained_share=round(abstained, 4),
            usual_abstained_share=round(statistics.median(usual), 4) if len(usual) >= _MINIMUM_DAYS else None,
        )
        states.append(state)
        kind = rows["component_kind"][0].as_py()
        if _is_shifted(before, now, psi, policy):
            findings.append(_score_shift(state, kind, before, now, day, policy))
        if (
            rows.num_rows >= policy.minimum_components
            and state.usual_abstained_share is not None
            and abstained - state.usual_abstained_share >= policy.abstained_share
        ):
            findings.append(_abstention(state, kind, rows.num_rows, day, policy))
    return states, findings


def _of_target(table: pa.Table, target: str) -> pa.Table:
    return table.filter(pc.equal(table["target"], target))


def _histogram(tables: Sequence[pa.Table]) -> Counts:
    """Return the mean histogram of the tables' risks, zeros of no table; abstentions are not in it."""
    counts = np.zeros(N_BINS)
    for table in tables:
        risks = pc.drop_null(table["risk"]).to_numpy().astype(np.float32)
        counts += np.bincount(population_bins(risks * _RISK_SCALE), minlength=N_BINS)
    return counts / max(1, len(tables))


def _is_shifted(before: Counts, now: Counts, psi: float, policy: DriftSettings) -> bool:
    if min(before.sum(), now.sum()) < policy.minimum_components or bins_moved(before, now) < _MINIMUM_BINS:
        return False
    return psi > max(policy.psi_limit, stability_noise(before, now))


def _score_shift(
    state: ScoreState, component_kind: str, before: Counts, now: Counts, day: dt.date, policy: DriftSettings
) -> Finding:
    bins = np.arange(N_BINS)
    higher = (bins @ now) / now.sum() > (bins @ before) / before.sum()
    return Finding(
        kind=FindingKind.SCORE_SHIFT,
        action=policy.action_on(FindingKind.SCORE_SHIFT),
        component_kind=component_kind,
        subject=state.target,
        signal=None,
        targets=(state.target,),
        size=state.psi or 0.0,
        limit=policy.psi_limit,
        since=None,
        words=(
            f"the risks of {state.target} on {day} are {'higher' if higher else 'lower'} than in the four weeks "
            f"before: {now.sum():,.0f} scored by {state.model_id}, PSI {state.psi:.2f} (limit {policy.psi_limit:g})."
        ),
        cause="a signal that shifted (see the other findings of the day), or a fleet that truly changed.",
        next_command=f"prefail drift --day {day}",
    )


def _abstention(
    state: ScoreState, component_kind: str, n: int, day: dt.date, policy: DriftSettings
) -> Finding:
    usual = state.usual_abstained_share or 0.0
    return Finding(
        kind=FindingKind.ABSTENTION,
        action=policy.action_on(FindingKind.ABSTENTION),
        component_kind=component_kind,
        subject=state.target,
        signal=None,
        targets=(state.target,),
        size=state.abstained_share,
        limit=round(usual + policy.abstained_share, 4),
        since=day,
        words=(
            f"{state.abstained_share:.0%} of {n:,} components of {state.target} were abstained on on {day}; "
            f"usual is {usual:.0%}."
        ),
        cause="a source that delivered nothing or half of its hosts; abstention_reason says which.",
        next_command=f"prefail ingest --day {day}, then prefail build, score and publish of that day",
    )

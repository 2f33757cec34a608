"""Sound the leak alarm on the rows a model learns from, and on what it reaches on later days."""

import datetime as dt

import numpy as np
import numpy.typing as npt

from features.leak_alarm import (
    LeakFinding,
    check_figures,
    check_permuted_labels,
    check_single_features,
    check_skill,
)
from features.target import Target
from pipelines.errors import LeakAlarmError
from pipelines.folds import CHALLENGER, FoldResults
from pipelines.risk_model import LabelledRows, fit_model
from pipelines.training_set import TrainingSet
from pipelines.training_settings import TrainingSettings

# Enough to notice a leak, small enough to cost seconds.
_MAX_ROWS_PERMUTED = 20_000
_ROUNDS_PERMUTED = 20


def check_rows(target: Target, rows: TrainingSet, settings: TrainingSettings) -> None:
    """Raise ``LeakAlarmError`` if one feature almost knows the label, or shuffled labels can be predicted.

    Judged on the later half of the rows.
    """
    middle = np.median(rows.day[rows.fails])
    later = rows.day > middle
    columns = rows.columns(target.feature_names)
    features = rows.features[later][:, columns]
    findings = list(
        check_single_features(
            features, target.feature_names, rows.fails[later], rows.weight[later], target.plausible_limits
        )
    )
    shuffled = _check_permuted(target, rows, later, settings)
    if shuffled is not None:
        findings.append(shuffled)
    _raise_if_any(target, rows.as_of, findings)


def check_folds(target: Target, as_of: dt.date, folds: FoldResults) -> None:
    """Raise ``LeakAlarmError`` if the model is better on a fold than honest data allows, or no good on all."""
    results = [result.of(CHALLENGER) for result in folds.results]
    findings = [
        finding for each in results for finding in check_figures(each.ranking, target.plausible_limits)
    ]
    unskilled = [check_skill(each.ranking, int(each.failures.sum())) for each in results]
    if all(finding is not None for finding in unskilled):
        findings += [finding for finding in unskilled if finding is not None]
    _raise_if_any(target, as_of, findings)


def _check_permuted(
    target: Target, rows: TrainingSet, later: npt.NDArray[np.bool_], settings: TrainingSettings
) -> LeakFinding | None:
    columns = rows.columns(target.feature_names)
    learned, judged = (_thin(np.flatnonzero(chosen)) for chosen in (~later, later))

    def fit_and_judge(
        labels: npt.NDArray[np.bool_],
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
        model = fit_model(
            LabelledRows(features=rows.features[learned][:, columns], fails=labels[learned]),
            feature_names=target.feature_names,
            monotone=target.monotone_directions,
            params=target.training.params,
            rounds=min(target.training.rounds, _ROUNDS_PERMUTED),
            seed=settings.seed,
            n_threads=settings.n_threads,
        )
        return model.predict_margin(rows.features[judged][:, columns]), judged

    return check_permuted_labels(fit_and_judge, rows.fails, seed=settings.seed)


def _thin(places: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return places[:: max(1, -(-len(places) // _MAX_ROWS_PERMUTED))]


def _raise_if_any(target: Target, as_of: dt.date, findings: list[LeakFinding]) -> None:
    if not findings:
        return
    lines = "\n".join(f"  - {finding.message}" for finding in findings)
    raise LeakAlarmError(
        f"the leak alarm went off for {target.name} as of {as_of}:\n{lines}\n"
        "Such figures come from features that know the future, or from labels that belong to other rows. Nothing "
        "was stored or promoted; what is in use stays. Find how the feature learns of the failure, or take it out of "
        f"features/targets/{target.name}.yaml; check core_failures. Then: prefail train --as-of {as_of}",
        target=target.name,
        as_of=as_of.isoformat(),
        features=tuple(finding.feature for finding in findings if finding.feature),
        figures=tuple((finding.figure, finding.value, finding.limit) for finding in findings),
    )

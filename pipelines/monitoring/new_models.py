"""Which hardware models are in the fleet that the champion has never learned from."""

import datetime as dt

import numpy as np

from features.histograms import Histograms
from features.signal_shifts import RECENT_DAYS
from features.words import name_kind
from pipelines.drift_settings import DriftSettings, FindingKind
from pipelines.errors import MissingInputError, ModelRefusedError
from pipelines.lake import Lake
from pipelines.monitoring.findings import Finding
from pipelines.monitoring.kinds_watched import WatchedKind
from pipelines.populations import DATASET as POPULATIONS
from pipelines.populations import population_part
from pipelines.registry import champion, load_card


def find_new_models(
    kind: WatchedKind, histograms: Histograms, day: dt.date, lake: Lake, policy: DriftSettings
) -> list[Finding]:
    """Return the models with a share of the kind's components on ``day`` that nobody who scores has seen.

    Seen is what was in the population on the last day that a champion has learned from; where there is
    no champion, or that day is no longer kept, what was there before the last week.
    """
    n_components = histograms.n_components
    n_all = int(n_components[-1].sum())
    ages = np.array([(day - at).days for at in histograms.days])
    is_before = ages >= RECENT_DAYS
    if not n_all or not is_before.any():
        return []
    lately = {
        model for model, n in zip(histograms.models, n_components[is_before].sum(axis=0), strict=True) if n
    }
    unknown_to: dict[str, list[str]] = {}
    by_whom: dict[str, str] = {}
    for target in kind.targets:
        known, by = _learned_models(kind, target, lake) or (lately, "the weeks before")
        for model in histograms.models:
            if model not in known:
                unknown_to.setdefault(model, []).append(target)
                by_whom.setdefault(model, by)
    findings = []
    for m, model in enumerate(histograms.models):
        n = int(n_components[-1, m])
        share = n / n_all
        if model not in unknown_to or share < policy.new_model_share:
            continue
        first = histograms.days[int(np.flatnonzero(n_components[:, m])[0])]
        # On the first day of the histograms it may have been there for long.
        since = None if first == histograms.days[0] else first
        findings.append(
            Finding(
                kind=FindingKind.NEW_MODEL,
                action=policy.action_on(FindingKind.NEW_MODEL),
                component_kind=kind.kind,
                subject=model,
                signal=None,
                targets=tuple(unknown_to[model]),
                size=round(share, 4),
                limit=policy.new_model_share,
                since=since,
                words=(
                    f"{name_kind(kind.kind)} {model} is unknown to {by_whom[model]}: "
                    f"{n:,} of {n_all:,} ({share:.1%}) on {day}"
                    f"{f', first seen on {since}' if since else ''}."
                ),
                cause="new hardware; its risks are guessed from other models until one learns from it.",
                next_command=f"prefail train --as-of {day} --target {unknown_to[model][0]}",
            )
        )
    return findings


def _learned_models(kind: WatchedKind, target: str, lake: Lake) -> tuple[set[str], str] | None:
    """Return the hardware models of the last day that a target's champion has learned from, and who it is."""
    model_id = champion(target, lake)
    if model_id is None:
        return None
    try:
        last_day = load_card(model_id, lake).data.last_day
        counts = lake.read_day(POPULATIONS, last_day, ("model",), part=population_part(kind.kind))
    except (MissingInputError, ModelRefusedError):
        # A card that can't be read stops scoring with a message of its own.
        return None
    return set(counts["model"].unique().to_pylist()), f"{model_id} (learned until {last_day})"

"""Which component kinds a lake has, with what each reports, for all that looks at signals day by day."""

from dataclasses import dataclass

from features.component_kinds import list_component_kinds, load_component_kind
from features.signals import load_signals
from features.target import load_target
from pipelines.settings import Settings


@dataclass(frozen=True, kw_only=True)
class WatchedKind:
    """One component kind: its dataset, its signals, which of them only grow, and the targets about it."""

    kind: str
    dataset: str
    signals: tuple[str, ...]
    counters: tuple[str, ...]
    targets: tuple[str, ...]


def list_watched_kinds(settings: Settings) -> tuple[WatchedKind, ...]:
    """Return drives, then the kinds that are declared as data."""
    declared = [load_component_kind(name) for name in list_component_kinds()]
    drive_signals = [(signal.name, signal.kind) for signal in load_signals()]
    described = [
        ("drive", "core_drive_days", drive_signals),
        *((each.kind, each.dataset, [(s.name, s.kind) for s in each.signals]) for each in declared),
    ]
    targets = [load_target(name) for name in settings.targets]
    return tuple(
        WatchedKind(
            kind=kind,
            dataset=dataset,
            signals=tuple(name for name, _ in signals),
            counters=tuple(name for name, how in signals if how == "counter"),
            targets=tuple(target.name for target in targets if target.component_kind == kind),
        )
        for kind, dataset, signals in described
    )

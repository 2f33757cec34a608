"""Doors to ticketing systems: each module here is a kind of tracker, and has ``open_tracker(settings)``."""

import importlib
import pkgutil

from pipelines.errors import ConfigError
from pipelines.settings import Settings
from pipelines.tickets.tracker import Tracker


def list_tracker_kinds() -> list[str]:
    """Return the names that ``tickets.tracker`` may have."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))


def open_tracker(settings: Settings) -> Tracker:
    """Open the tracker that the settings name; ``ConfigError`` if there is no such kind."""
    kind = settings.tickets.tracker
    if kind not in list_tracker_kinds():
        raise ConfigError(
            f"tickets.tracker = {kind!r} is no kind of tracker; valid: {', '.join(list_tracker_kinds())}. "
            "No ticket was touched. Fix it, then: prefail config check",
            kind=kind,
        )
    tracker: Tracker = importlib.import_module(f"{__name__}.{kind}").open_tracker(settings)
    return tracker

"""Doors to ticketing systems: each module here is a kind of tracker, and has ``open_tracker(settings)``.

A module may have ``Options`` (what ``[tickets.options]`` holds for it) and ``HAS_UNIQUE_KEYS = True``, where
the ticketing system itself refuses a second open ticket under one key.
"""

import importlib
import pkgutil
from collections.abc import Mapping
from types import ModuleType

from pipelines.errors import ConfigError
from pipelines.lake import Lake
from pipelines.settings import Settings
from pipelines.tickets.claimed_tracker import ClaimedTracker
from pipelines.tickets.remote.options import TrackerOptions, describe_problems
from pipelines.tickets.tracker import TicketReader, Tracker


def list_tracker_kinds() -> list[str]:
    """Return the names that ``tickets.tracker`` may have."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))


def validate_tracker_options(kind: str, options: Mapping[str, object]) -> list[str]:
    """Return what is wrong with the options of a kind of tracker, one line each."""
    return describe_problems(kind, getattr(_import(kind), "Options", TrackerOptions), options)


def open_tracker(settings: Settings) -> Tracker:
    """Open the tracker that the settings name; ``ConfigError`` if there is no such kind."""
    kind = settings.tickets.tracker
    if kind not in list_tracker_kinds():
        raise ConfigError(
            f"tickets.tracker = {kind!r} is no kind of tracker; valid: {', '.join(list_tracker_kinds())}. "
            "No ticket was touched. Fix it, then: prefail config check",
            kind=kind,
        )
    if problems := validate_tracker_options(kind, settings.tickets.options):
        raise ConfigError(
            "\n".join([*problems, "No ticket was touched. Fix it, then: prefail config check"]), kind=kind
        )
    tracker: Tracker = _import(kind).open_tracker(settings)
    return tracker


def open_tracker_reader(settings: Settings) -> TicketReader:
    """Open the tracker for looking only: no file is made, no claim is asked for.

    A module whose tracker would write at first use has ``open_reader(settings)``.
    """
    tracker = open_tracker(settings)
    open_reader = getattr(_import(settings.tickets.tracker), "open_reader", None)
    reader: TicketReader = tracker if open_reader is None else open_reader(settings)
    return reader


def open_claimed_tracker(settings: Settings, lake: Lake) -> Tracker:
    """Open the tracker for opening tickets: under a claim in the lake, unless it needs none."""
    tracker = open_tracker(settings)
    if getattr(_import(settings.tickets.tracker), "HAS_UNIQUE_KEYS", False):
        return tracker
    return ClaimedTracker(tracker, lake, settings.environment)


def _import(kind: str) -> ModuleType:
    return importlib.import_module(f"{__name__}.{kind}")

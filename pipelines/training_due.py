"""Which targets are trained as of a day: all of them once a week, the others where drift asks for it."""

import datetime as dt

from pipelines.lake import Lake
from pipelines.monitoring.retraining import is_retraining_asked
from pipelines.settings import Settings
from pipelines.targets import list_built_targets

_WEEKLY = 6
"""Sunday: the training of the night after has a whole week behind it."""


def list_due_targets(day: dt.date, settings: Settings, lake: Lake, *, is_asked_for: bool) -> tuple[str, ...]:
    """Return the targets to train as of ``day``: every one on a Sunday or where a person asks for it.

    On other days those whose inputs drifted so that the policy asks for a training (``monitoring/retraining/``).
    """
    targets = list_built_targets(settings, lake)
    if is_asked_for or day.weekday() == _WEEKLY:
        return targets
    return tuple(name for name in targets if is_retraining_asked(lake, name) is not None)

"""A finding of drift, made by hand."""

from pipelines.drift_settings import DriftAction, FindingKind
from pipelines.monitoring.findings import Finding


def make_finding(**fields: object) -> Finding:
    """Return the finding that a tenth of the drives is of a new hardware model, which asks for a training."""
    values: dict[str, object] = {
        "kind": FindingKind.NEW_MODEL,
        "action": DriftAction.RETRAIN,
        "component_kind": "drive",
        "subject": "X",
        "signal": None,
        "targets": ("drive_fails_30d",),
        "size": 0.1,
        "limit": 0.02,
        "since": None,
        "words": "drive X is new.",
        "cause": "new hardware.",
        "next_command": "prefail train",
    }
    return Finding.model_validate({**values, **fields})

"""Say which raw_ datasets the days of a component kind are made of."""

from features.component_kinds import find_component_kind

# Drives are decoded, vendor by vendor, not declared.
_DECODED = {"drive": ("raw_drive_smart",)}


def list_raw_datasets(component_kind: str) -> tuple[str, ...]:
    """Return the raw_ datasets that a kind reads; none for a kind that nothing builds."""
    declared = find_component_kind(component_kind)
    return _DECODED.get(component_kind, ()) if declared is None else declared.raw_datasets

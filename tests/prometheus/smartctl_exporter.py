"""What smartctl_exporter makes of a smartctl JSON output, series by series.

Written after metrics.go and smartctl.go of github.com/prometheus-community/smartctl_exporter: it sends 0
for what is not there, and labels that say ``unknown`` or nothing.
"""

from collections.abc import Mapping
from typing import cast

from tests.prometheus.prometheus_server import Series

Document = Mapping[str, object]


def exported_series(document: Document, instance: str, device: str, seconds: list[float]) -> list[Series]:
    """Return the series of one drive, scraped at the given Unix seconds."""
    base = {"instance": instance, "device": device}
    found: list[tuple[str, dict[str, str], float]] = []

    def add(name: str, value: float, **labels: str) -> None:
        found.append((name, {**base, **labels}, value))

    protocol = _text(document, "device.protocol")
    add(
        "smartctl_device",
        1,
        interface=_text(document, "device.type"),
        protocol=protocol,
        model_family=_text(document, "model_family") or "unknown",
        model_name=_text(document, "model_name") or "unknown",
        serial_number=_text(document, "serial_number"),
        firmware_version=_text(document, "firmware_version"),
        scsi_vendor=_text(document, "scsi_vendor"),
        scsi_product=_text(document, "scsi_product"),
        scsi_revision=_text(document, "scsi_revision"),
    )
    add("smartctl_device_capacity_bytes", _number(document, "user_capacity.bytes"))
    if _at(document, "nvme_total_capacity") is not None:
        add("smartctl_device_nvme_capacity_bytes", _number(document, "nvme_total_capacity"))
    for attribute in cast(list[Document], _at(document, "ata_smart_attributes.table") or []):
        for kind, path in (
            ("raw", "raw.value"),
            ("value", "value"),
            ("worst", "worst"),
            ("thresh", "thresh"),
        ):
            add(
                "smartctl_device_attribute",
                _number(attribute, path),
                attribute_name=_text(attribute, "name"),
                attribute_id=str(attribute["id"]),
                attribute_value_type=kind,
            )
    hours, minutes = _number(document, "power_on_time.hours"), _number(document, "power_on_time.minutes")
    add("smartctl_device_power_on_seconds", hours * 3600 + minutes * 60)
    for kind in cast(Document, _at(document, "temperature") or {}):
        add("smartctl_device_temperature", _number(document, f"temperature.{kind}"), temperature_type=kind)
    add("smartctl_device_power_cycle_count", _number(document, "power_cycle_count"))
    for name in (
        "percentage_used",
        "available_spare",
        "critical_warning",
        "media_errors",
        "num_err_log_entries",
    ):
        add(f"smartctl_device_{name}", _number(document, f"nvme_smart_health_information_log.{name}"))
    add("smartctl_device_smart_status", float(bool(_at(document, "smart_status.passed"))))
    if _at(document, "scsi_grown_defect_list") is not None:
        add("smartctl_scsi_grown_defect_list", _number(document, "scsi_grown_defect_list"))
    if _at(document, "scsi_error_counter_log") is not None:
        for way in ("read", "write"):
            errors = _number(document, f"scsi_error_counter_log.{way}.total_uncorrected_errors")
            add(f"smartctl_{way}_total_uncorrected_errors", errors)
    return [
        Series(name=name, labels=labels, samples=[(time, value) for time in seconds])
        for name, labels, value in found
    ]


def _at(document: object, path: str) -> object:
    for name in path.split("."):
        document = document.get(name) if isinstance(document, Mapping) else None
    return document


def _text(document: Document, path: str) -> str:
    value = _at(document, path)
    return value.strip() if isinstance(value, str) else ""


def _number(document: Document, path: str) -> float:
    value = _at(document, path)
    return float(value) if isinstance(value, int | float) else 0.0

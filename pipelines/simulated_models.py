"""The drive models of the simulated fleet: how often each fails, and what each reports."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class DriveModel:
    """One hardware model.

    ``share`` of the hosts have it; it fails ``relative_failure_rate`` times as often as the mean;
    ``weibull_shape`` above 1 means that it wears out. ``is_seagate``: reports SMART 184, 187 to 190
    and 240, and packs 1, 7 and 188; the others report 196 instead.
    """

    name: str
    serial_prefix: str
    firmware: str
    capacity_bytes: int
    share: float
    relative_failure_rate: float
    weibull_shape: float
    warmth_celsius: float
    is_seagate: bool


MODELS = (
    DriveModel(
        name="ST12000NM0008",
        serial_prefix="ZHZ",
        firmware="SN04",
        capacity_bytes=12_000_138_625_024,
        share=0.30,
        relative_failure_rate=1.5,
        weibull_shape=1.2,
        warmth_celsius=31,
        is_seagate=True,
    ),
    DriveModel(
        name="ST8000NM0055",
        serial_prefix="ZA1",
        firmware="SN05",
        capacity_bytes=8_001_563_222_016,
        share=0.25,
        relative_failure_rate=1.1,
        weibull_shape=1.6,
        warmth_celsius=33,
        is_seagate=True,
    ),
    DriveModel(
        name="HGST HUH721212ALN604",
        serial_prefix="5PG",
        firmware="LEGNW3D0",
        capacity_bytes=12_000_138_625_024,
        share=0.20,
        relative_failure_rate=0.5,
        weibull_shape=1.4,
        warmth_celsius=29,
        is_seagate=False,
    ),
    DriveModel(
        name="TOSHIBA MG07ACA14TA",
        serial_prefix="X0Q",
        firmware="0101",
        capacity_bytes=14_000_519_643_136,
        share=0.15,
        relative_failure_rate=0.8,
        weibull_shape=1.1,
        warmth_celsius=35,
        is_seagate=False,
    ),
    DriveModel(
        name="WDC WUH721414ALE6L4",
        serial_prefix="9RG",
        firmware="LDGNW240",
        capacity_bytes=14_000_519_643_136,
        share=0.10,
        relative_failure_rate=0.4,
        weibull_shape=1.3,
        warmth_celsius=28,
        is_seagate=False,
    ),
)

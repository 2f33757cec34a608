"""What the simulated drives report on one day, as a Drive Stats CSV of 2024."""

import datetime as dt
import io

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pa_csv

from pipelines.fleet_simulation import COUNTERS, Bools, Fleet, Ints
from pipelines.simulated_hardware.hosts import CLUSTERS, FIRST_VAULT, PODS_PER_VAULT
from pipelines.simulated_models import MODELS

_SEASON_CELSIUS = 3.0


def render_day(fleet: Fleet, number: int, day: dt.date) -> bytes:
    """Return the day's file: one row per drive that reports; the same fleet and day give the same bytes."""
    drives = fleet.drives_reporting(number)
    rng = np.random.default_rng([fleet.plan.seed, 2, number])
    columns: dict[str, pa.Array] = {
        "date": pa.repeat(day.isoformat(), len(drives)),
        "serial_number": pa.array(fleet.serial_numbers(drives)),
        "model": pa.array([MODELS[code].name for code in fleet.model[drives].tolist()]),
        "capacity_bytes": pa.array(_of_model(fleet, drives, "capacity_bytes"), pa.int64()),
        "failure": pa.array((fleet.failure_day[drives] == number).astype(np.int64)),
        **_location(fleet, drives),
        **_attributes(fleet, drives, number, day, rng),
    }
    table = pa.table(columns)
    sink = io.BytesIO()
    sink.write((",".join(table.column_names) + "\n").encode())
    pa_csv.write_csv(table, sink, pa_csv.WriteOptions(include_header=False, quoting_style="none"))
    return sink.getvalue()


def _location(fleet: Fleet, drives: Ints) -> dict[str, pa.Array]:
    hosts, slots = np.divmod(fleet.slot[drives], fleet.plan.drives_per_host)
    vaults, pods = np.divmod(hosts, PODS_PER_VAULT)
    return {
        "datacenter": pa.array([CLUSTERS[vault % len(CLUSTERS)] for vault in vaults.tolist()]),
        "cluster_id": pa.array(np.zeros(len(drives), np.int64)),
        "vault_id": pa.array(FIRST_VAULT + vaults),
        "pod_id": pa.array(pods),
        "pod_slot_num": pa.array(slots),
    }


def _attributes(
    fleet: Fleet, drives: Ints, number: int, day: dt.date, rng: np.random.Generator
) -> dict[str, pa.Array]:
    counts = dict(zip(COUNTERS, fleet.count_until(number)[:, drives], strict=True))
    is_seagate = _of_model(fleet, drives, "is_seagate").astype(np.bool_)
    others = ~is_seagate
    n = len(drives)
    hours = 24 * (number - fleet.installed_day[drives]) + drives % 24
    warmth = _of_model(fleet, drives, "warmth_celsius") + _SEASON_CELSIUS * np.sin(
        2 * np.pi * (day.timetuple().tm_yday - 110) / 365.25
    )
    celsius = np.rint(warmth + rng.normal(0, 1.5, n) + drives % 5).astype(np.int64)
    timeouts = np.minimum(counts["timeouts"], 0xFFFF)
    # Seagate: errors above, operations in the low 32 bits; timeouts as three 16-bit words.
    reads = rng.integers(0, 250_000_000, n)
    seeks = (hours * 40_000 + rng.integers(0, 40_000, n)) % (1 << 32)
    everyone = np.ones(n, np.bool_)
    raw: dict[int, tuple[Ints, Bools]] = {
        1: (np.where(is_seagate, reads, 0), everyone),
        4: (counts["power_cycles"], everyone),
        5: (counts["reallocated"], everyone),
        7: (np.where(is_seagate, seeks + (counts["seek_errors"] << 32), 0), everyone),
        9: (hours, everyone),
        10: (np.zeros(n, np.int64), everyone),
        12: (counts["power_cycles"], everyone),
        184: (np.zeros(n, np.int64), is_seagate),
        187: (np.minimum(counts["uncorrectable"], 0xFFFF), is_seagate),
        188: (timeouts + (timeouts // 2 << 16) + (timeouts // 3 << 32), is_seagate),
        190: (celsius, is_seagate),
        192: (counts["power_cycles"] // 2, everyone),
        193: (hours // 12 + drives % 300, everyone),
        194: (celsius, everyone),
        196: (counts["reallocated"] // 8, others),
        197: (counts["pending"], everyone),
        198: (np.where(is_seagate, counts["pending"], counts["uncorrectable"]), everyone),
        199: (counts["crc"], everyone),
        240: (hours * 98 // 100, is_seagate),
    }
    columns: dict[str, pa.Array] = {}
    for attribute, (values, is_reported) in raw.items():
        columns[f"smart_{attribute}_normalized"] = _column(_normalized(attribute, values), is_reported)
        columns[f"smart_{attribute}_raw"] = _column(values, is_reported)
    return columns


def _normalized(attribute: int, values: Ints) -> Ints:
    """The vendor's grade, 100 = best. Nobody decodes it; it is there because real files have it."""
    if attribute in (190, 194):
        return 100 - values if attribute == 190 else values
    worth = {9: 1000, 193: 6000, 240: 1000, 1: 1 << 40, 7: 1 << 40, 188: 1 << 40}.get(attribute, 100)
    return np.maximum(1, 100 - values // worth)


def _column(values: npt.NDArray[np.int64], is_reported: Bools) -> pa.Array:
    return pa.array(values, pa.int64(), mask=~is_reported)


def _of_model(fleet: Fleet, drives: Ints, attribute: str) -> npt.NDArray[np.float64]:
    return np.array([getattr(model, attribute) for model in MODELS])[fleet.model[drives]]

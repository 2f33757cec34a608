"""One day of a large fleet as a Drive Stats CSV with all columns published since 2024."""

import datetime as dt
import io

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from pipelines.fleet_simulation import FleetPlan, simulate_fleet
from pipelines.simulated_readings import render_day

DAY = dt.date(2024, 6, 1)
_DRIVES_PER_HOST = 20
_BEFORE_ATTRIBUTES = (
    *("date", "serial_number", "model", "capacity_bytes", "failure"),
    *("datacenter", "cluster_id", "vault_id", "pod_id", "pod_slot_num", "is_legacy_format"),
)
# The SMART attributes of the published header, as ranges with both ends.
_ATTRIBUTE_RANGES = (
    *((1, 5), (7, 13), (15, 18), (22, 24), (27, 27), (71, 71), (82, 82), (90, 90), (160, 161)),
    *((163, 184), (187, 202), (206, 206), (210, 212), (218, 218), (220, 220), (222, 226)),
    *((230, 235), (240, 242), (244, 248), (250, 252), (254, 255)),
)
# What real drives report and the simulated ones don't: attribute, share of drives, largest raw value.
_ALSO_REPORTED = (
    *((2, 0.6, 200), (3, 1.0, 500), (8, 0.6, 50), (18, 0.3, 1), (22, 0.3, 100), (191, 0.4, 1_000)),
    *((195, 0.3, 10**9), (200, 0.3, 10), (220, 0.3, 10**8), (222, 0.3, 40_000), (223, 0.3, 10)),
    *((224, 0.3, 10), (226, 0.3, 600), (241, 0.5, 10**11), (242, 0.5, 10**12)),
)


def render_drive_stats_day(n_drives: int, *, seed: int = 3) -> bytes:
    """Return the file of ``DAY``: about ``n_drives`` rows (a few drives don't report), 197 columns."""
    n_hosts = max(1, n_drives // _DRIVES_PER_HOST)
    plan = FleetPlan(
        n_hosts=n_hosts,
        drives_per_host=_DRIVES_PER_HOST,
        n_days=2,
        seed=seed,
        annual_failure_rate=0.015,
    )
    narrow = _read_as_text(render_day(simulate_fleet(plan), 0, DAY))
    random = np.random.default_rng(seed)
    n = narrow.num_rows
    extra: dict[str, pa.Array] = {"is_legacy_format": pa.repeat("False", n)}
    for attribute, share, largest in _ALSO_REPORTED:
        is_silent = random.random(n) >= share
        extra[f"smart_{attribute}_normalized"] = pa.array(random.integers(60, 201, n), mask=is_silent)
        extra[f"smart_{attribute}_raw"] = pa.array(random.integers(0, largest + 1, n), mask=is_silent)
    nothing = pa.nulls(n, pa.string())
    columns = {name: _pick(name, narrow, extra, nothing) for name in list_header()}
    sink = io.BytesIO()
    sink.write((",".join(columns) + "\n").encode())
    options = pa_csv.WriteOptions(include_header=False, quoting_style="none")
    pa_csv.write_csv(pa.table(columns), sink, options)
    return sink.getvalue()


def list_header() -> tuple[str, ...]:
    """Return the published columns, in order."""
    attributes = [number for first, last in _ATTRIBUTE_RANGES for number in range(first, last + 1)]
    pairs = [f"smart_{number}_{form}" for number in attributes for form in ("normalized", "raw")]
    return (*_BEFORE_ATTRIBUTES, *pairs)


def _read_as_text(data: bytes) -> pa.Table:
    header = data[: data.index(b"\n")].decode().split(",")
    texts = pa_csv.ConvertOptions(
        column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=True, null_values=[""]
    )
    return pa_csv.read_csv(pa.BufferReader(data), convert_options=texts)


def _pick(name: str, narrow: pa.Table, extra: dict[str, pa.Array], nothing: pa.Array) -> pa.Array:
    if name in narrow.column_names:
        return narrow[name]
    return extra.get(name, nothing)

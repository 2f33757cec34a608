"""How raw values become signals that mean the same for every vendor."""

import datetime as dt
from collections.abc import Mapping, Sequence
from random import Random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_contracts.arrow_schema import schema_of
from data_contracts.loader import load_contract
from features.shards import component_keys
from features.signals import Vendor, load_signals
from features.smart_decoding import decode_drive_smart, vendor_of

SEAGATE = "ST8000NM0055"
KNOWN_AT = dt.datetime(2024, 1, 2, 23, 59, tzinfo=dt.UTC)
RAW = schema_of(load_contract("raw_drive_smart"))


def raw_table(rows: Sequence[Mapping[str, object]]) -> pa.Table:
    usual: dict[str, object] = {
        "model": SEAGATE,
        "capacity_bytes": 8_001_563_222_016,
        "is_failed": False,
        "source": "drives",
        "known_at": KNOWN_AT,
    }
    full = [{"serial_number": f"S{number}", **usual, **row} for number, row in enumerate(rows)]
    return pa.Table.from_pylist(full, RAW)


def decode_one(signal: str, model: str = SEAGATE, **raw: float) -> object:
    return decode_drive_smart(raw_table([{"model": model, **raw}])).table[signal].to_pylist()[0]


# Raw values and what smartctl prints for them, from real drives.
@pytest.mark.parametrize(
    ("column", "raw", "signal", "decoded"),
    [
        ("smart_188_raw", 4295032833, "command_timeouts", 1),  # "1 1 1"
        ("smart_188_raw", 8590065666, "command_timeouts", 2),  # "2 2 2"
        ("smart_188_raw", 51540393996, "command_timeouts", 12),
        ("smart_188_raw", 0, "command_timeouts", 0),
        ("smart_7_raw", 12834215976973, "seek_errors", 2988),
        ("smart_7_raw", 2448016663, "seek_errors", 0),
        ("smart_1_raw", 95925765, "read_errors", 0),
        ("smart_9_raw", 115594749838557, "power_on_hours", 34013),  # "34013 (105 34 0)"
        ("smart_9_raw", 3342485283705022, "power_on_hours", 37054),  # "37054h+12m+58.233s"
        ("smart_9_raw", 21906, "power_on_hours", 21906),
        ("smart_240_raw", 9230082287649927, "head_flying_hours", 50311),  # "50311h+35m+49.046s"
        ("smart_194_raw", 133145034776, "temperature_celsius", 24.0),  # "24 (Min/Max 16/31)"
        ("smart_190_raw", 622657567, "temperature_celsius", 31.0),  # "31 (Min/Max 29/37)"
        ("smart_5_raw", 65488, "reallocated_sectors", 65488),
    ],
)
def test_packed_values_decode_to_what_smartctl_prints(
    column: str, raw: int, signal: str, decoded: float
) -> None:
    assert decode_one(signal, **{column: raw}) == decoded


def test_only_seagates_hard_disks_pack_three_words_into_188() -> None:
    assert decode_one("command_timeouts", "WDC WUH721414ALE6L4", smart_188_raw=65537) is None
    assert decode_one("command_timeouts", "WDC WUH721414ALE6L4", smart_188_raw=7) == 7


def test_what_no_vendor_published_is_null_and_no_glitch() -> None:
    decoded = decode_drive_smart(raw_table([{"model": "HGST HUH721212ALN604", "smart_1_raw": 589824}]))
    assert decoded.table["read_errors"].to_pylist() == [None]
    assert decoded.glitches == ()


@pytest.mark.parametrize(
    ("model", "vendor"),
    [
        ("ST4000DM000", Vendor.SEAGATE),
        ("SEAGATE ST4000NM0043", Vendor.SEAGATE),
        ("Seagate BarraCuda SSD ZA250CM10002", None),
        ("HGST HUS726040ALE614", Vendor.HGST),
        ("Hitachi HDS5C3030ALA630", Vendor.HGST),
        ("TOSHIBA MG07ACA14TA", None),
        ("SAMSUNG MZ7L3240HCHQ", None),
    ],
)
def test_the_vendor_is_read_from_the_model_name(model: str, vendor: Vendor | None) -> None:
    assert vendor_of(model) is vendor


def test_a_value_above_its_bound_is_null_and_counted() -> None:
    decoded = decode_drive_smart(
        raw_table([{"smart_12_raw": 1_566_375_939}, {"smart_12_raw": 100_000}, {"smart_12_raw": None}])
    )
    by_id = dict(
        zip(*decoded.table.select(["component_id", "power_cycles"]).to_pydict().values(), strict=True)
    )
    assert by_id == {"S0": None, "S1": 100_000, "S2": None}
    assert [(entry.signal, entry.count) for entry in decoded.glitches] == [("power_cycles", 1)]
    assert decoded.n_glitches == 1


def test_a_negative_counter_is_a_glitch() -> None:
    decoded = decode_drive_smart(raw_table([{"smart_197_raw": -1}]))
    assert decoded.table["pending_sectors"].to_pylist() == [None]
    assert decoded.n_glitches == 1


def test_a_drive_that_counts_seconds_has_no_power_on_hours() -> None:
    five_years_of_seconds = 5 * 365 * 86400
    assert decode_one("power_on_hours", smart_9_raw=five_years_of_seconds) is None


def test_the_second_source_of_a_signal_helps_where_the_first_is_silent_or_absurd() -> None:
    assert decode_one("temperature_celsius", smart_190_raw=30) == 30.0
    assert decode_one("temperature_celsius", smart_194_raw=255, smart_190_raw=30) == 30.0
    assert decode_one("reported_uncorrectable", "SEAGATE ST4000NM0043", scsi_uncorrected_errors=536) == 536


def test_nvme_and_scsi_fill_their_own_signals() -> None:
    row = {
        "model": "Micron_7450",
        "nvme_critical_warning": 4,
        "nvme_available_spare_pct": 97,
        "nvme_percentage_used": 120,
        "nvme_media_errors": 3,
        "nvme_unsafe_shutdowns": 30,
        "scsi_grown_defects": 56,
        "temperature_celsius": -5.0,
    }
    (drive,) = decode_drive_smart(raw_table([row])).table.to_pylist()
    assert drive["critical_warning"] == 4.0
    assert drive["available_spare_pct"] == 97.0
    assert drive["percentage_used_pct"] == 120.0
    assert drive["media_errors"] == 3
    assert drive["unsafe_shutdowns"] == 30
    assert drive["grown_defects"] == 56
    assert drive["temperature_celsius"] == -5.0
    assert drive["reallocated_sectors"] is None


def test_the_host_comes_from_the_inventory_and_is_unknown_otherwise() -> None:
    inventory = pa.table({"component_id": ["S1", "other"], "host_id": ["web-1", "web-2"]})
    decoded = decode_drive_smart(raw_table([{}, {}]), inventory)
    hosts = dict(
        zip(decoded.table["component_id"].to_pylist(), decoded.table["host_id"].to_pylist(), strict=True)
    )
    assert hosts == {"S0": "unknown:S0", "S1": "web-1"}
    assert decoded.n_unknown_hosts == 1
    assert decode_drive_smart(raw_table([{}])).n_unknown_hosts == 1


def test_a_capacity_that_is_not_positive_is_not_known() -> None:
    decoded = decode_drive_smart(raw_table([{"capacity_bytes": -1}]))
    assert decoded.table["capacity_bytes"].to_pylist() == [None]


def test_the_table_is_what_the_contract_states() -> None:
    expected = schema_of(load_contract("core_drive_days"))
    schema = decode_drive_smart(raw_table([{}])).table.schema
    assert schema.names == expected.names
    assert schema.types == expected.types


def test_no_rows_give_no_rows() -> None:
    decoded = decode_drive_smart(raw_table([]))
    assert decoded.table.num_rows == 0
    assert decoded.n_glitches == 0


_cell = st.none() | st.integers(-(2**62), 2**62) | st.integers(0, 100)
_smart = [
    name for name in RAW.names if name.startswith(("smart_", "nvme_", "scsi_")) and name.endswith("_raw")
]
_row = st.fixed_dictionaries(
    {"model": st.sampled_from([SEAGATE, "HGST HUH7", "TOSHIBA MG07"])},
    optional=dict.fromkeys(_smart, _cell),
)


@settings(deadline=None)
@given(st.lists(_row, max_size=6), st.randoms())
def test_every_value_is_believable_and_row_order_never_matters(
    rows: list[dict[str, object]], random: Random
) -> None:
    raw = raw_table(rows)
    decoded = decode_drive_smart(raw)
    order = list(range(len(rows)))
    random.shuffle(order)
    assert decode_drive_smart(raw.take(pa.array(order, pa.int64()))).table.equals(decoded.table)
    keys = decoded.table["component_key"].to_numpy()
    assert (np.diff(keys.astype(object)) > 0).all()
    assert keys.tolist() == component_keys(decoded.table["component_id"]).tolist()
    for signal in load_signals():
        values = [value for value in decoded.table[signal.name].to_pylist() if value is not None]
        assert all(value <= signal.upper_bound for value in values)
        assert signal.kind == "gauge" or all(value >= 0 for value in values)


def test_signals_have_unique_names_and_read_columns_that_exist() -> None:
    names = [signal.name for signal in load_signals()]
    assert len(names) == len(set(names)) == 23
    assert {source.column for signal in load_signals() for source in signal.sources} <= set(RAW.names)

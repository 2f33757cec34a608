"""The simulated fleet: real files, the same for the same seed, and failures like real ones."""

import datetime as dt
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pytest

from features.smart_decoding import decode_drive_smart
from pipelines.errors import MissingInputError
from pipelines.fleet_simulation import COUNTERS, Fleet, FleetPlan, simulate_fleet
from pipelines.sources import simulated
from pipelines.sources.simulated import Options

SMALL = Options(path="fleet", n_hosts=4, drives_per_host=6, n_days=30, annual_failure_rate=0.5, seed=3)


@pytest.fixture(scope="module")
def large_fleet() -> Fleet:
    return simulate_fleet(
        FleetPlan(n_hosts=400, drives_per_host=25, n_days=365, seed=11, annual_failure_rate=0.06)
    )


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*.csv.gz")}


def test_a_day_does_not_depend_on_which_days_were_asked_for_before(tmp_path: Path) -> None:
    days = simulated.list_days(SMALL, tmp_path)
    for folder, order in ((tmp_path / "forward", days), (tmp_path / "backward", days[::-1])):
        simulated._fleet_of.cache_clear()
        for day in order:
            list(simulated.read_day(SMALL, day, folder))
    assert files_of(tmp_path / "forward") == files_of(tmp_path / "backward")
    assert len(files_of(tmp_path / "forward")) == SMALL.n_days


def test_a_file_that_is_there_is_not_written_again(tmp_path: Path) -> None:
    list(simulated.read_day(SMALL, SMALL.first_day, tmp_path))
    (path,) = tmp_path.rglob("*.csv.gz")
    written = path.stat().st_mtime_ns
    list(simulated.read_day(SMALL, SMALL.first_day, tmp_path))
    assert path.stat().st_mtime_ns == written


def test_another_seed_is_another_fleet_in_another_folder(tmp_path: Path) -> None:
    other = SMALL.model_copy(update={"seed": 4})
    first = next(simulated.read_day(SMALL, SMALL.first_day, tmp_path)).table
    second = next(simulated.read_day(other, SMALL.first_day, tmp_path)).table
    assert not set(first["serial_number"].to_pylist()) & set(second["serial_number"].to_pylist())
    assert len({path.parent for path in tmp_path.rglob("*.csv.gz")}) == 2


def test_every_failure_of_the_truth_is_reported_on_its_day_and_no_other(tmp_path: Path) -> None:
    fleet = simulated.fleet_of(SMALL)
    failing = np.flatnonzero(fleet.is_failing)
    expected = set(zip(fleet.serial_numbers(failing), fleet.failure_day[failing].tolist(), strict=True))
    reported = set()
    for number, day in enumerate(simulated.list_days(SMALL, tmp_path)):
        table = next(simulated.read_day(SMALL, day, tmp_path)).table
        failed = table.filter(table["is_failed"])["serial_number"].to_pylist()
        reported |= {(serial, number) for serial in failed}
    assert expected
    assert reported == expected


def test_the_files_have_locations_and_believable_values(tmp_path: Path) -> None:
    smart, inventory = simulated.read_day(SMALL, SMALL.first_day + dt.timedelta(days=20), tmp_path)
    decoded = decode_drive_smart(smart.table, inventory.table)
    assert decoded.glitches == ()
    assert decoded.n_unknown_hosts == 0
    assert len(pc.unique(decoded.table["host_id"])) == SMALL.n_hosts


def test_a_day_outside_the_span_is_missing_input(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match="it lives from 2024-01-01 to 2024-01-30"):
        list(simulated.read_day(SMALL, dt.date(2024, 1, 31), tmp_path))


def test_the_failure_rate_is_about_what_was_asked_for(large_fleet: Fleet) -> None:
    rate = large_fleet.is_failing.sum() / (large_fleet.plan.n_hosts * large_fleet.plan.drives_per_host)
    assert 0.04 < rate < 0.09


def test_about_half_of_the_failures_show_no_sign_before(large_fleet: Fleet) -> None:
    failing = large_fleet.is_failing
    share = (large_fleet.sign_day[failing] <= large_fleet.failure_day[failing]).mean()
    assert 0.5 < share < 0.6


def test_signs_come_5_to_40_days_before_the_failure_and_grow(large_fleet: Fleet) -> None:
    fleet = large_fleet
    ill = np.flatnonzero(fleet.is_failing & (fleet.sign_day <= fleet.failure_day) & (fleet.sign_day > 0))
    days_before = fleet.failure_day[ill] - fleet.sign_day[ill]
    assert (days_before.min(), days_before.max()) == (5, 40)
    errors = [COUNTERS.index(name) for name in ("reallocated", "pending", "uncorrectable", "timeouts")]
    grown = [
        fleet.count_until(int(fleet.failure_day[drive]))[errors, drive].sum()
        > fleet.count_until(int(fleet.sign_day[drive]) - 1)[errors, drive].sum()
        for drive in ill[:60]
    ]
    assert np.mean(grown) > 0.8


def test_some_healthy_drives_have_bad_counters_and_some_counters_restart(large_fleet: Fleet) -> None:
    fleet = large_fleet
    healthy = ~fleet.is_failing & (fleet.first_day == 0)
    reallocated = fleet.count_until(100)[COUNTERS.index("reallocated")]
    assert 0.02 < (reallocated[healthy] > 0).mean() < 0.1
    assert (fleet.event_increment[fleet.event_counter == COUNTERS.index("power_cycles")] < 0).any()


def test_a_failed_drive_is_replaced_in_its_slot_within_days(large_fleet: Fleet) -> None:
    fleet = large_fleet
    gone = np.flatnonzero(fleet.is_failing & (fleet.failure_day < fleet.plan.n_days - 10))
    for drive in gone[:50].tolist():
        successors = fleet.first_day[
            (fleet.slot == fleet.slot[drive]) & (fleet.first_day > fleet.last_day[drive])
        ]
        assert 1 <= successors.min() - fleet.failure_day[drive] <= 5


def test_some_drives_are_taken_out_without_a_failure(large_fleet: Fleet) -> None:
    removed = (large_fleet.last_day < large_fleet.plan.n_days) & ~large_fleet.is_failing
    assert removed.any()


def test_some_days_are_missing_and_some_failures_have_a_stray_row_after(large_fleet: Fleet) -> None:
    fleet = large_fleet
    in_service = ((fleet.first_day <= 50) & (fleet.last_day >= 50)).sum()
    assert 0.98 < len(fleet.drives_reporting(50)) / in_service < 0.999
    strays = np.flatnonzero(fleet.has_stray_row & fleet.is_failing)
    day_after = int(fleet.failure_day[strays[0]]) + 1
    assert strays[0] in fleet.drives_reporting(day_after)

"""The simulated hosts beside their drives: files that agree with each other, and failures like real ones."""

import csv
import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from pipelines.simulated_hardware.hosts import place_of
from pipelines.simulated_hardware.parts import Parts, simulate_hardware
from pipelines.sources import simulated
from pipelines.sources.hw_events import NOT_HARDWARE
from pipelines.sources.simulated import Options
from pipelines.sources.source import RawTable

N_DAYS = 75
FLEET = Options(
    path="fleet",
    n_hosts=60,
    drives_per_host=4,
    n_days=N_DAYS,
    first_day=dt.date(2026, 1, 1),
    annual_failure_rate=1.0,
    seed=9,
)
HARDWARE = simulate_hardware(simulated.fleet_of(FLEET).plan)
Row = dict[str, object]


@dataclass(frozen=True, kw_only=True)
class Logs:
    """raw_hw_events of every day of the span, and what gave no row."""

    events: tuple[tuple[int, Row], ...]
    reasons: frozenset[str]

    def rows(self, **wanted: object) -> list[tuple[int, Row]]:
        """Return day and row of all events whose columns have the wanted values."""
        return [
            (number, row)
            for number, row in self.events
            if all(row[name] == value for name, value in wanted.items())
        ]

    def of_part(self, parts: Parts, part: int, **wanted: object) -> list[tuple[int, Row]]:
        """Return what was logged of a part's slot while the part was in it."""
        host, slot = place_of(int(parts.host[part])).host_id, parts.slots[int(parts.position[part])]
        return [
            (number, row)
            for number, row in self.rows(host_id=host, **wanted)
            # Of a GPU's bus address some lines name the function as well.
            if str(row["component_hint"]).removesuffix(".0") == slot
            and parts.first_day[part] <= number <= parts.failure_day[part]
        ]


def read(part: str, number: int, folder: Path) -> list[RawTable]:
    options = FLEET.model_copy(update={"part": part})
    return list(simulated.read_day(options, FLEET.first_day + dt.timedelta(days=number), folder))


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Logs:
    folder = tmp_path_factory.mktemp("logs")
    delivered = [read("kernel_log", number, folder)[0] for number in range(N_DAYS)]
    return Logs(
        events=tuple((number, row) for number, raw in enumerate(delivered) for row in raw.table.to_pylist()),
        reasons=frozenset(left.reason for raw in delivered for left in raw.left_out),
    )


def with_signs(parts: Parts) -> list[int]:
    """Return the parts that fail in the span and degraded all that time in their slot."""
    is_seen = (parts.sign_day >= np.maximum(parts.first_day, 0)) & (parts.sign_day < parts.failure_day)
    return np.flatnonzero(is_seen & (parts.failure_day < N_DAYS)).tolist()


def without_signs(parts: Parts) -> list[int]:
    return np.flatnonzero((parts.failure_day < N_DAYS) & (parts.sign_day > parts.failure_day)).tolist()


@pytest.mark.parametrize("part", ["inventory", "kernel_log", "failure_records"])
def test_a_days_file_does_not_depend_on_which_days_were_asked_for_before(part: str, tmp_path: Path) -> None:
    for folder, numbers in ((tmp_path / "forward", (3, 4, 5)), (tmp_path / "backward", (5, 4, 3))):
        simulated._fleet_of.cache_clear()
        simulate_hardware.cache_clear()
        for number in numbers:
            read(part, number, folder)
    written = [
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in (tmp_path / "forward", tmp_path / "backward")
    ]
    assert written[0] == written[1]
    assert len(written[0]) == 3


def test_all_sources_of_a_fleet_write_below_one_folder(tmp_path: Path) -> None:
    parts = {"drives", "inventory", "kernel_log", "failure_records"}
    for part in sorted(parts):
        read(part, 0, tmp_path)
    (folder,) = (tmp_path / "fleet").iterdir()
    assert {path.name for path in folder.iterdir()} == parts


def test_the_inventory_puts_every_drive_where_the_drives_files_put_it(tmp_path: Path) -> None:
    # Not the redundancy group: the drives' files know a vault, the export the copies within it.
    place = ["component_id", "component_kind", "host_id", "slot", "rack", "site", "model"]
    said_by_drives = read("drives", 40, tmp_path)[1].table.select(place).to_pylist()
    exported = read("inventory", 40, tmp_path)[0].table.select(place).to_pylist()
    assert said_by_drives
    assert {tuple(row.items()) for row in said_by_drives} <= {tuple(row.items()) for row in exported}


def test_every_host_has_eight_dimms_but_for_days_between_failure_and_repair(tmp_path: Path) -> None:
    table = read("inventory", 40, tmp_path)[0].table.to_pylist()
    dimms = [row for row in table if row["component_kind"] == "dimm"]
    assert len({row["component_id"] for row in dimms}) == len(dimms)
    assert 8 * FLEET.n_hosts - 10 < len(dimms) <= 8 * FLEET.n_hosts
    assert {row["slot"] for row in dimms} == {f"DIMM_{channel}1" for channel in "ABCDEFGH"}
    hosts = {row["component_id"] for row in table if row["component_kind"] == "host"}
    assert {row["host_id"] for row in dimms} == hosts
    assert 0 < len({row["host_id"] for row in table if row["component_kind"] == "gpu"}) < len(hosts)


def test_a_part_is_in_the_inventory_until_it_fails_and_its_successor_within_days() -> None:
    for parts in (HARDWARE.dimms, HARDWARE.gpus):
        for part in np.flatnonzero(parts.failure_day < N_DAYS - 10).tolist():
            failure_day = int(parts.failure_day[part])
            assert part in parts.in_service(failure_day)
            assert part not in parts.in_service(failure_day + 1)
            is_same_slot = (parts.host == parts.host[part]) & (parts.position == parts.position[part])
            successors = parts.first_day[is_same_slot & (parts.first_day > failure_day)]
            assert 1 <= successors.min() - failure_day <= 5


def test_a_host_keeps_its_name_when_its_board_is_changed() -> None:
    boards = HARDWARE.boards
    for number in range(N_DAYS):
        assert len({boards.component_id(board) for board in boards.in_service(number)}) == FLEET.n_hosts


def test_every_line_is_read_and_is_of_its_day(logs: Logs) -> None:
    assert logs.reasons == {NOT_HARDWARE}
    for number, row in logs.events:
        moment = row["happened_at"]
        assert isinstance(moment, dt.datetime)
        assert moment.date() == FLEET.first_day + dt.timedelta(days=number)


def test_every_host_is_heard_every_day(logs: Logs) -> None:
    heard = {(number, row["host_id"]) for number, row in logs.events}
    assert len(heard) == N_DAYS * FLEET.n_hosts


def test_most_dimms_that_fail_have_corrected_errors_before_and_ever_more_of_them(logs: Logs) -> None:
    dimms = HARDWARE.dimms
    failing = np.flatnonzero(dimms.failure_day < N_DAYS)
    assert len(failing) > 20
    assert 0.4 < (dimms.sign_day[failing] < dimms.failure_day[failing]).mean() < 0.8
    early, late, warned = 0, 0, 0
    for dimm in with_signs(dimms):
        middle = (dimms.sign_day[dimm] + dimms.failure_day[dimm]) / 2
        days = [number for number, _ in logs.of_part(dimms, dimm, signature="edac_ce")]
        early += sum(number < middle for number in days)
        late += sum(number >= middle for number in days)
        warned += any(number < dimms.failure_day[dimm] for number in days)
    assert late > 2 * early > 0
    assert warned > 0.9 * len(with_signs(dimms))


def test_signs_come_5_to_40_days_before_the_failure() -> None:
    for parts in (HARDWARE.dimms, HARDWARE.gpus, HARDWARE.boards):
        days_before = (parts.failure_day - parts.sign_day)[parts.sign_day < parts.failure_day]
        assert 5 <= days_before.min() < days_before.max() <= 40


def test_dimms_that_fail_without_signs_look_healthy_before(logs: Logs) -> None:
    dimms = HARDWARE.dimms
    before = [
        sum(number < dimms.failure_day[dimm] for number, _ in logs.of_part(dimms, dimm, signature="edac_ce"))
        for dimm in without_signs(dimms)
    ]
    assert np.median(before) == 0


def test_errors_of_a_degrading_dimm_spread_over_the_shape_of_its_fault(logs: Logs) -> None:
    dimms, shapes = HARDWARE.dimms, set()
    for dimm in with_signs(dimms):
        rows = [row for _, row in logs.of_part(dimms, dimm, signature="edac_ce")]
        spread = tuple(len({row[name] for row in rows}) > 3 for name in ("bank", "row", "column"))
        if len(rows) > 60:
            shapes.add(spread)
    assert {(False, False, True), (False, True, False), (False, True, True), (True, True, True)} & shapes
    assert len(shapes) >= 2


def test_most_failing_dimms_end_with_an_uncorrected_error_and_healthy_ones_have_none(logs: Logs) -> None:
    dimms = HARDWARE.dimms
    failing = np.flatnonzero(dimms.failure_day < N_DAYS).tolist()
    errors = {dimm: logs.of_part(dimms, dimm, signature="edac_ue") for dimm in failing}
    ended = [dimm for dimm, rows in errors.items() if any(day == dimms.failure_day[dimm] for day, _ in rows)]
    assert 0.5 < len(ended) / len(failing) < 0.95
    soon = np.flatnonzero((dimms.failure_day >= N_DAYS) & (dimms.failure_day < N_DAYS + 12)).tolist()
    of_soon = [row for dimm in soon for row in logs.of_part(dimms, dimm, signature="edac_ue")]
    assert len(logs.rows(signature="edac_ue")) == sum(map(len, errors.values())) + len(of_soon)


def test_the_first_uncorrected_error_of_some_dimms_comes_days_before_they_are_changed(logs: Logs) -> None:
    dimms = HARDWARE.dimms
    lead = [
        int(dimms.failure_day[dimm]) - day
        for dimm in np.flatnonzero(dimms.failure_day < N_DAYS).tolist()
        for day, _ in logs.of_part(dimms, dimm, signature="edac_ue")[:1]
    ]
    assert 0 <= min(lead) < max(lead) <= 11


def test_healthy_dimms_have_stray_corrected_errors(logs: Logs) -> None:
    dimms = HARDWARE.dimms
    is_healthy = (dimms.first_day < 0) & (dimms.failure_day > N_DAYS + 45)
    names = {
        (place_of(int(dimms.host[dimm])).host_id, dimms.slots[int(dimms.position[dimm])])
        for dimm in np.flatnonzero(is_healthy)
    }
    with_errors = {(row["host_id"], row["component_hint"]) for _, row in logs.rows(signature="edac_ce")}
    assert 0.02 < len(names & with_errors) / len(names) < 0.2


def test_only_failing_gpus_have_critical_xids_on_the_day(logs: Logs) -> None:
    gpus = HARDWARE.gpus
    failing = np.flatnonzero(gpus.failure_day < N_DAYS).tolist()
    assert failing
    for gpu in failing:
        last_words = [row for number, row in logs.of_part(gpus, gpu) if number == gpus.failure_day[gpu]]
        assert "critical" in {row["severity"] for row in last_words}
    assert {row["severity"] for _, row in logs.rows(event_class="gpu_application_error")} == {"info"}


def test_a_filesystem_shuts_down_only_on_hosts_that_lose_a_drive_that_day(logs: Logs) -> None:
    fleet = simulated.fleet_of(FLEET)
    shut_down = [(number, row["host_id"]) for number, row in logs.rows(signature="xfs_shutdown")]
    lost = {
        (int(fleet.failure_day[drive]), place_of(int(fleet.slot[drive]) // FLEET.drives_per_host).host_id)
        for drive in np.flatnonzero(fleet.is_failing)
    }
    assert shut_down
    assert set(shut_down) <= lost


def test_unknown_lines_are_mostly_of_old_templates_and_some_are_new(logs: Logs) -> None:
    seen: dict[object, int] = {}
    for number, row in logs.rows(signature=None):
        seen.setdefault(row["template"], number)
    old = {template for template, number in seen.items() if number < 25}
    new = seen.keys() - old
    assert 10 < len(old) < 40
    assert 1 <= len(new) < 5


def test_the_records_of_a_day_tell_all_that_failed_on_it_but_drives(tmp_path: Path) -> None:
    kinds = set()
    every_part = (HARDWARE.dimms, HARDWARE.gpus, HARDWARE.boards)
    for number in (1, 30, *(int(parts.failure_day.min()) for parts in every_part)):
        rows = read("failure_records", number, tmp_path)[0].table.to_pylist()
        failing = {
            parts.component_id(part) for parts in every_part for part in parts.failing_on(number).tolist()
        }
        assert {row["component_id"] for row in rows} == failing
        kinds |= {row["component_kind"] for row in rows}
    assert kinds == {"dimm", "gpu", "host"}


def test_no_record_is_of_a_failure_that_is_still_to_come(tmp_path: Path) -> None:
    read("failure_records", 30, tmp_path)
    (path,) = tmp_path.rglob("*.csv")
    evening = dt.datetime.combine(FLEET.first_day, dt.time(), dt.UTC) + dt.timedelta(days=31)
    records = list(csv.DictReader(path.read_text().splitlines()))
    assert len(records) > 5
    for record in records:
        failed_at, known_at = (dt.datetime.fromisoformat(record[name]) for name in ("failed_at", "known_at"))
        assert failed_at < known_at < evening


def test_a_record_names_a_part_that_the_inventory_had_that_day(tmp_path: Path) -> None:
    for number in (10, 20, 30, 40):
        parts = {row["component_id"]: row for row in read("inventory", number, tmp_path)[0].table.to_pylist()}
        for record in read("failure_records", number, tmp_path)[0].table.to_pylist():
            part = parts[record["component_id"]]
            assert (part["host_id"], part["component_kind"]) == (
                record["host_id"],
                record["component_kind"],
            )


def test_a_fleet_of_one_host_has_no_gpus_and_still_writes_everything(tmp_path: Path) -> None:
    for part in ("inventory", "kernel_log"):
        options = Options(part=part, n_hosts=1, n_days=5)
        assert all(raw.table.num_rows for raw in simulated.read_day(options, options.first_day, tmp_path))


def test_parts_of_years_ahead_are_there(tmp_path: Path) -> None:
    options = FLEET.model_copy(update={"part": "inventory", "n_days": 3650})
    (raw,) = simulated.read_day(options, FLEET.first_day + dt.timedelta(days=3649), tmp_path)
    assert raw.table.num_rows > 60 * (1 + 4 + 8) - 40

"""Late, replaced, lost, doubled and shuffled inputs: which days they re-open, and which they leave alone."""

import datetime as dt
import json
import random
from pathlib import Path

import pytest

from pipelines.build import build_day
from pipelines.changed_inputs import (
    ChangedDay,
    describe_change,
    find_arrived_days,
    find_changed_days,
    reopen_days,
)
from pipelines.cli import main
from pipelines.errors import PermanentError
from pipelines.ingest import ingest_day
from pipelines.lake import Lake
from pipelines.settings import Settings, load_settings
from tests.sources.test_smartctl import ATA, NVME, write

FIRST = dt.date(2024, 1, 1)
DAYS = [FIRST + dt.timedelta(days=n) for n in range(3)]
_SETTINGS = """
[lake]
root = "lake"
[[sources]]
name = "smart"
kind = "smartctl"
path = "outputs"
[[sources]]
name = "cmdb"
kind = "inventory_file"
path = "cmdb.csv"
"""
_HEAD = "component_id,component_kind,host_id,slot,valid_from,valid_to\n"
_WEB_1 = "ZA1ABCDE,drive,web-1,1,2023-01-01,\n"


def output(day: dt.date, document: dict[str, object] = ATA, **fields: object) -> dict[str, object]:
    noon = dt.datetime.combine(day, dt.time(12), dt.UTC).timestamp()
    return {**document, "local_time": {"time_t": int(noon)}, **fields}


@pytest.fixture
def settings(tmp_path: Path, lake: Lake) -> Settings:
    """Return a fleet of one drive, three days of which are ingested."""
    for day in DAYS:
        write(tmp_path / "outputs", "web-1", "sda", output(day), day)
    (tmp_path / "cmdb.csv").write_text(_HEAD + _WEB_1)
    (tmp_path / "prefail.toml").write_text(_SETTINGS)
    settings = load_settings(tmp_path / "prefail.toml", {})
    for day in DAYS:
        ingest_day(day, settings, lake)
    return settings


def changed(settings: Settings, lake: Lake) -> list[tuple[str, dt.date, str]]:
    return [(each.source, each.day, each.what) for each in find_changed_days(settings, lake).changes]


def test_untouched_inputs_re_open_nothing(settings: Settings, lake: Lake) -> None:
    assert changed(settings, lake) == []


def test_a_late_output_re_opens_its_own_day_only(settings: Settings, lake: Lake, tmp_path: Path) -> None:
    write(tmp_path / "outputs", "web-1", "nvme0", output(DAYS[1], NVME), DAYS[1])
    untouched = [lake.digest_day("raw_drive_smart", day, part="smart") for day in (DAYS[0], DAYS[2])]
    found = find_changed_days(settings, lake)
    assert [(each.source, each.day, each.what) for each in found.changes] == [("smart", DAYS[1], "changed")]
    (facts,) = reopen_days(found.changes, settings, lake)
    assert (facts.day, facts.fact("sources"), facts.fact("rows")) == (DAYS[1], 1, 4)
    assert set(lake.read_day("raw_drive_smart", DAYS[1], part="smart")["serial_number"].to_pylist()) == {
        "ZA1ABCDE",
        "22423C4D",
    }
    assert [lake.digest_day("raw_drive_smart", day, part="smart") for day in (DAYS[0], DAYS[2])] == untouched
    assert changed(settings, lake) == [], "and once only"


def test_a_move_in_the_inventory_re_opens_the_days_since_the_move(
    settings: Settings, lake: Lake, tmp_path: Path
) -> None:
    moved = f"ZA1ABCDE,drive,web-1,1,2023-01-01,{DAYS[1]}\nZA1ABCDE,drive,web-2,1,{DAYS[1]},\n"
    (tmp_path / "cmdb.csv").write_text(_HEAD + moved)
    assert changed(settings, lake) == [("cmdb", DAYS[1], "changed"), ("cmdb", DAYS[2], "changed")]


def test_a_source_that_was_down_re_opens_the_day_when_its_files_come(
    settings: Settings, lake: Lake, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    day = DAYS[-1] + dt.timedelta(days=1)
    ingest_day(day, settings, lake, source_names=["cmdb"])
    assert find_arrived_days(settings, lake) == ()
    write(tmp_path / "outputs", "web-1", "sda", output(day), day)
    assert find_arrived_days(settings, lake, source_names=["cmdb"]) == ()
    config = str(tmp_path / "prefail.toml")
    assert main(["--config", config, "ingest", "--changed"]) == 0
    printed = capsys.readouterr().out
    assert (
        f"{day} smart: 1 outputs of smartctl came after the day was ingested without this source" in printed
    )
    assert f"re-opened 1 days. Next: prefail build --day {day}" in printed
    assert lake.has_day("raw_drive_smart", day, part="smart")
    assert find_arrived_days(settings, lake) == ()


def test_days_before_a_sources_first_are_no_late_ones(settings: Settings, lake: Lake, tmp_path: Path) -> None:
    before = FIRST - dt.timedelta(days=1)
    write(tmp_path / "outputs", "web-1", "sda", output(before), before)
    ingest_day(before, settings, lake, source_names=["cmdb"])
    assert find_arrived_days(settings, lake) == ()


def test_a_day_of_which_the_inventory_says_nothing_any_more_stays(
    settings: Settings, lake: Lake, tmp_path: Path
) -> None:
    (tmp_path / "cmdb.csv").write_text(_HEAD + f"ZA1ABCDE,drive,web-1,1,{DAYS[1]},\n")
    assert changed(settings, lake) == [("cmdb", DAYS[0], "gone")]


def test_a_file_that_was_only_written_again_or_sorted_anew_re_opens_nothing(
    settings: Settings, lake: Lake, tmp_path: Path
) -> None:
    path = tmp_path / "outputs" / DAYS[0].isoformat() / "web-1" / "sda.json"
    path.write_bytes(path.read_bytes())
    (tmp_path / "cmdb.csv").write_text(_HEAD + "Z9,drive,web-9,1,2030-01-01,\n" + _WEB_1)
    assert changed(settings, lake) == []


def test_lost_inputs_are_said_and_leave_the_day_as_it_was(
    settings: Settings, lake: Lake, tmp_path: Path
) -> None:
    (tmp_path / "outputs" / DAYS[2].isoformat() / "web-1" / "sda.json").unlink()
    digest = lake.digest_day("raw_drive_smart", DAYS[2], part="smart")
    found = find_changed_days(settings, lake)
    assert [(each.source, each.day, each.what) for each in found.changes] == [("smart", DAYS[2], "gone")]
    assert "the day stays as it was ingested" in describe_change(found.changes[0])
    assert list(reopen_days(found.changes, settings, lake)) == []
    assert lake.digest_day("raw_drive_smart", DAYS[2], part="smart") == digest


def test_a_source_without_recorded_inputs_is_named_not_taken_for_unchanged(
    settings: Settings, lake: Lake
) -> None:
    for day in DAYS:
        key = f"ingested/day={day}/part-smart.json"
        document = lake.read_json(key)
        assert isinstance(document, dict)
        lake.write_json(key, {**document, "inputs": []})
    assert find_changed_days(settings, lake).sources_without_inputs == ("smart",)


def test_a_damaged_record_is_named(settings: Settings, lake: Lake) -> None:
    lake.write_json(f"ingested/day={DAYS[0]}/part-smart.json", {"rows": 1})
    with pytest.raises(PermanentError, match=r"is not a record of an ingested day"):
        find_changed_days(settings, lake)


def test_the_command_re_opens_and_says_what_comes_next(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "outputs", "web-1", "nvme0", output(DAYS[1], NVME), DAYS[1])
    config = str(tmp_path / "prefail.toml")
    assert main(["--config", config, "ingest", "--changed", "--list-days"]) == 0
    listed = capsys.readouterr().out
    assert listed == f"{DAYS[1]} smart: 2 outputs of smartctl changed since it was ingested\n"
    assert main(["--config", config, "ingest", "--changed"]) == 0
    assert f"re-opened 1 days. Next: prefail build --day {DAYS[1]}" in capsys.readouterr().out
    assert main(["--config", config, "ingest", "--changed"]) == 0
    assert capsys.readouterr().out == "no ingested day's inputs have changed\n"


def test_order_and_doubles_of_outputs_never_matter(settings: Settings, lake: Lake, tmp_path: Path) -> None:
    """The last reading of the day counts, whichever file holds it and in whatever order they came."""
    early = output(DAYS[0], temperature={"current": 20})
    late = output(DAYS[0], temperature={"current": 44})
    late["local_time"] = {"time_t": int(dt.datetime.combine(DAYS[0], dt.time(23), dt.UTC).timestamp())}
    digests = set()
    for seed in range(4):
        names = ["a", "b", "c"]
        random.Random(seed).shuffle(names)
        folder = tmp_path / "outputs" / DAYS[0].isoformat() / "web-1"
        for path in folder.glob("*.json"):
            path.unlink()
        for name, document in zip(names, (early, late, late), strict=True):
            (folder / f"{name}.json").write_text(json.dumps(document))
        ingest_day(DAYS[0], settings, lake)
        (row,) = lake.read_day("raw_drive_smart", DAYS[0], part="smart").to_pylist()
        assert row["temperature_celsius"] == 44
        digests.add(lake.digest_day("raw_drive_smart", DAYS[0], part="smart"))
    assert len(digests) == 1


def test_a_clock_that_is_ahead_puts_no_reading_on_a_day_that_is_not_its_own(
    settings: Settings, lake: Lake, tmp_path: Path
) -> None:
    tomorrow = DAYS[0] + dt.timedelta(days=1)
    write(tmp_path / "outputs", "web-2", "sdb", output(tomorrow, NVME), DAYS[0])
    ingest_day(DAYS[0], settings, lake)
    table = lake.read_day("raw_drive_smart", DAYS[0], part="smart")
    assert table["serial_number"].to_pylist() == ["ZA1ABCDE"]
    end = dt.datetime.combine(tomorrow, dt.time(), dt.UTC)
    assert max(table["known_at"].to_pylist()) < end


def test_a_re_opened_day_is_built_into_what_it_would_have_been_on_time(
    settings: Settings, lake: Lake, tmp_path: Path
) -> None:
    build_day(DAYS[1], settings, lake)
    write(tmp_path / "outputs", "web-1", "nvme0", output(DAYS[1], NVME), DAYS[1])
    list(reopen_days(find_changed_days(settings, lake).changes, settings, lake))
    build_day(DAYS[1], settings, lake)
    late = lake.digest_day("core_drive_days", DAYS[1])
    ingest_day(DAYS[1], settings, lake)
    build_day(DAYS[1], settings, lake)
    assert lake.digest_day("core_drive_days", DAYS[1]) == late


def test_many_names_of_a_change_are_shown_bounded() -> None:
    change = ChangedDay(source="smart", day=FIRST, what="changed", names=tuple(f"f{n}" for n in range(9)))
    assert (
        describe_change(change)
        == "2024-01-01 smart: f0, f1, f2, f3, f4 and 4 more changed since it was ingested"
    )

"""``prefail lake``: what lies there, what is wrong with it, how two lists differ, what is too old."""

import datetime as dt
import shutil
from pathlib import Path

import pyarrow as pa
import pytest

from pipelines.cli import main
from pipelines.errors import ConfigError, MissingInputError
from pipelines.lake import Lake
from pipelines.lake_commands.checks import LakeCheck, check_lake
from pipelines.lake_commands.list_diff import diff_lists
from pipelines.lake_commands.retention import delete_expired, find_expired
from pipelines.lake_commands.survey import survey_dataset, survey_lake
from pipelines.object_store import FolderStore
from pipelines.published_list import LATEST_KEY, read_day_manifest, read_latest
from pipelines.settings import load_settings
from tests.object_storage.small_fleet import DAYS, fill_day, run_morning, write_settings

MORNINGS = DAYS[4:6]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a settings folder whose lake has six days and two lists."""
    folder = tmp_path_factory.mktemp("fleet")
    settings = write_settings(folder)
    lake = Lake(FolderStore(folder / "lake"))
    for day in DAYS[:6]:
        fill_day(day, settings, lake)
    for day in MORNINGS:
        run_morning(day, settings, lake)
    return folder


@pytest.fixture
def folder(published: Path, tmp_path: Path) -> Path:
    """Return a copy that a test may change."""
    return Path(shutil.copytree(published, tmp_path / "fleet"))


@pytest.fixture
def full_lake(folder: Path) -> Lake:
    return Lake(FolderStore(folder / "lake"))


def problems(checked: LakeCheck) -> list[tuple[str, str]]:
    return [(found.check, found.where) for found in checked.findings if found.severity == "problem"]


def notes(checked: LakeCheck) -> list[tuple[str, str]]:
    return [(found.check, found.where) for found in checked.findings if found.severity == "note"]


def test_the_survey_counts_every_object_once(full_lake: Lake) -> None:
    usages = survey_lake(full_lake.store)
    items = list(full_lake.store.list_keys(""))
    assert sum(usage.n_objects for usage in usages) == len(items)
    assert sum(usage.size_bytes for usage in usages) == sum(item.size_bytes for item in items)
    named = {usage.dataset: usage for usage in usages}
    assert named["core_drive_days"].days == DAYS[:6]
    assert named["published/at_risk_hosts"].days == MORNINGS
    assert [usage.day for usage in survey_dataset(full_lake.store, "core_drive_days")] == list(DAYS[:6])


def test_a_lake_that_the_steps_made_has_no_problem_and_no_note(full_lake: Lake) -> None:
    checked = check_lake(full_lake, read_all=True)
    assert checked.findings == ()
    assert checked.n_digests > 10


def test_a_missing_day_between_others_is_a_gap(full_lake: Lake) -> None:
    full_lake.delete_day("core_model_population", DAYS[2])
    found = [finding for finding in check_lake(full_lake).findings if finding.check == "gap"]
    assert [finding.where for finding in found] == ["core_model_population"]
    assert "1 of 6 days from 2026-01-01 to 2026-01-06 are missing: 2026-01-03" in found[0].what


def test_changed_bytes_of_a_list_a_model_or_an_input_are_problems(full_lake: Lake) -> None:
    manifest = read_day_manifest(MORNINGS[0], full_lake)
    csv = f"{manifest.folder}list.csv"
    full_lake.store.write(csv, full_lake.store.read(csv) + b" ")
    assert problems(check_lake(full_lake)) == [("digest", csv)]
    changed = "core_drive_days/day=2026-01-03/part-00.parquet"
    assert changed in [source.key for source in manifest.inputs]
    full_lake.store.write(changed, b"PAR1" + full_lake.store.read(changed)[4:-9] + b"\0" * 9)
    assert set(problems(check_lake(full_lake, read_all=True))) == {
        ("digest", csv),
        ("digest", changed),
        ("unreadable", changed),
    }
    full_lake.store.write("models/abc/card.json", b"{}")
    assert ("digest", "models/abc/card.json") in problems(check_lake(full_lake))


def test_what_no_step_reads_is_an_orphan(full_lake: Lake) -> None:
    full_lake.store.write("holiday.jpg", b"")
    full_lake.store.write("published/at_risk_hosts/edition=2026-01-06-aaaaaaaaaaaa/list.csv", b"half")
    full_lake.store.write("models/abc/model.ubj", b"half")
    assert notes(check_lake(full_lake)) == [
        ("orphan", "holiday.jpg"),
        ("orphan", "models/abc/model.ubj"),
        ("orphan", "published/at_risk_hosts/edition=2026-01-06-aaaaaaaaaaaa/list.csv"),
    ]


def test_a_year_of_small_files_is_noted(lake: Lake) -> None:
    for n in range(365):
        lake.store.write(
            f"core_failures/day={dt.date(2025, 1, 1) + dt.timedelta(days=n)}/part-00.parquet", b"x"
        )
    assert notes(check_lake(lake)) == [("small files", "core_failures")]


def test_a_diff_names_who_came_left_and_moved(full_lake: Lake) -> None:
    diff = diff_lists(*MORNINGS, full_lake)
    old, new = (
        {row["component_id"]: row["rank"] for row in full_lake.read_day("out_at_risk_hosts", day).to_pylist()}
        for day in MORNINGS
    )
    assert {c.component_id for c in diff.changes if c.kind == "came"} == new.keys() - old.keys()
    assert {c.component_id for c in diff.changes if c.kind == "left"} == old.keys() - new.keys()
    assert all(new[c.component_id] == c.new_rank for c in diff.changes if c.kind != "left")
    assert len(diff.changes) + diff.n_same == len(old.keys() | new.keys())
    same = diff_lists(MORNINGS[0], MORNINGS[0], full_lake)
    assert (same.changes, same.n_same) == ((), len(old))
    with pytest.raises(MissingInputError, match="No list of 2026-01-01"):
        diff_lists(DAYS[0], MORNINGS[0], full_lake)


def test_only_days_older_than_kept_go(full_lake: Lake) -> None:
    (raw,) = find_expired({"raw_drive_smart": 3}, DAYS[5], full_lake)
    assert raw.days == DAYS[:2]
    assert full_lake.list_days("raw_drive_smart") == list(DAYS[:6])
    delete_expired(raw, full_lake)
    assert full_lake.list_days("raw_drive_smart") == list(DAYS[2:6])
    assert find_expired({"raw_drive_smart": 3}, DAYS[5], full_lake)[0].keys == ()
    assert full_lake.list_days("core_drive_days") == list(DAYS[:6])


def test_the_newest_day_and_the_latest_list_always_stay(full_lake: Lake) -> None:
    years_later = dt.date(2030, 1, 1)
    for expired in find_expired({"raw_drive_smart": 1, "published/at_risk_hosts": 1}, years_later, full_lake):
        delete_expired(expired, full_lake)
    assert full_lake.list_days("raw_drive_smart") == [DAYS[5]]
    latest = read_latest(full_lake)
    assert latest is not None
    assert latest.day == MORNINGS[1]
    assert problems(check_lake(full_lake)) == []
    assert full_lake.store.exists(LATEST_KEY)


def test_a_dry_run_deletes_nothing(folder: Path, full_lake: Lake, capsys: pytest.CaptureFixture[str]) -> None:
    config = folder / "prefail.toml"
    config.write_text(config.read_text("utf-8") + "\n[retain]\nraw_drive_smart = 3\n", "utf-8")
    arguments = ["--config", str(config), "lake", "retain", "--as-of", "2026-01-06"]
    before = [item.key for item in full_lake.store.list_keys("")]
    assert main([*arguments, "--dry-run"]) == 0
    assert "would delete raw_drive_smart before 2026-01-03: days=2 objects=2" in capsys.readouterr().out
    assert [item.key for item in full_lake.store.list_keys("")] == before
    assert main(arguments) == 0
    assert "\ndeleted" in f"\n{capsys.readouterr().out}"
    assert len(list(full_lake.store.list_keys(""))) == len(before) - 2


def test_a_dataset_to_retain_must_exist(folder: Path) -> None:
    config = folder / "prefail.toml"
    config.write_text(config.read_text("utf-8") + "\n[retain]\nraw_drive_smrt = 3\n", "utf-8")
    with pytest.raises(ConfigError, match=r"retain\.raw_drive_smrt is not a dataset; did you mean raw_drive"):
        load_settings(config, {})


def test_the_commands_print_and_exit_by_what_they_found(
    folder: Path, full_lake: Lake, capsys: pytest.CaptureFixture[str]
) -> None:
    config = ["--config", str(folder / "prefail.toml"), "lake"]
    for command in (["ls"], ["ls", "core_drive_days"], ["du"], ["diff", *map(str, MORNINGS)], ["check"]):
        assert main([*config, *command]) == 0
    printed = capsys.readouterr().out
    assert "problems=0" in printed
    assert "core_drive_days: 6 days" in printed
    full_lake.store.write(f"{read_day_manifest(MORNINGS[0], full_lake).folder}list.csv", b"other")
    assert main([*config, "check"]) == 1
    assert "problem: digest: published/at_risk_hosts/edition=" in capsys.readouterr().out
    capsys.readouterr()
    assert main([*config, "retain", "--as-of", "2126-01-01"]) == 0
    said = capsys.readouterr().out
    assert "deleted scored_shards before 2125-12-25: days=0" in said
    assert "All else stays" in said
    assert "[retain] raw_drive_smart = 400" in said


def test_a_survey_of_an_empty_lake_is_empty(lake: Lake) -> None:
    assert survey_lake(lake.store) == ()
    lake.write_day("core_x", DAYS[0], pa.table({"a": [1]}))
    assert [usage.dataset for usage in survey_lake(lake.store)] == ["core_x"]

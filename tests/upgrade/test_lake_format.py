"""A lake says which format it has: an older one is read, a newer one is refused, by every command."""

import json
from pathlib import Path

import pytest

from pipelines.cli import main
from pipelines.day_runs import open_settings_lake
from pipelines.errors import LakeFormatError, PermanentError
from pipelines.ingest import ingest_day
from pipelines.lake import Lake
from pipelines.lake_format import (
    FORMAT_KEY,
    LAKE_FORMAT,
    REGISTRY_FORMAT,
    mark_format,
    read_format,
    require_known_format,
    upgrade_lake,
)
from tests.object_storage.small_fleet import DAYS, write_settings


def write_format(where: Lake, /, **numbers: object) -> None:
    where.write_json(FORMAT_KEY, {"lake": 1, "registry": 1, "release": "9.1.0", **numbers})


def test_the_first_step_that_writes_marks_the_lake_and_no_later_one_does_again(tmp_path: Path) -> None:
    settings = write_settings(tmp_path)
    lake = open_settings_lake(settings)
    assert not lake.store.exists(FORMAT_KEY), "to look at a lake writes nothing"
    ingest_day(DAYS[0], settings, lake)
    first = lake.store.read(FORMAT_KEY)
    assert json.loads(first).keys() == {"lake", "registry", "release"}
    lake.write_json(FORMAT_KEY, {**json.loads(first), "release": "0.0.9"})
    ingest_day(DAYS[1], settings, lake)
    assert read_format(lake).release == "0.0.9"


@pytest.mark.parametrize("newer", [{"lake": LAKE_FORMAT + 1}, {"registry": REGISTRY_FORMAT + 1}])
def test_a_newer_format_is_refused_with_the_command_that_helps(lake: Lake, newer: dict[str, int]) -> None:
    write_format(lake, **newer)
    with pytest.raises(LakeFormatError, match=r"pip install 'prefail>=9\.1\.0'") as refused:
        require_known_format(lake)
    assert refused.value.facts["release"] == "9.1.0"
    assert isinstance(refused.value, PermanentError)


def test_what_a_newer_release_adds_to_the_file_is_no_reason_to_refuse(lake: Lake) -> None:
    write_format(lake, more={"of": "it"})
    assert require_known_format(lake) is lake


def test_no_command_reads_or_writes_a_newer_lake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = write_settings(tmp_path)
    lake = open_settings_lake(settings)
    write_format(lake, lake=LAKE_FORMAT + 1)
    for command in (
        ["ingest", "--day", str(DAYS[0])],
        ["lake", "ls"],
        ["lake", "upgrade"],
        ["rollback", "--target", "drive_fails_30d", "--why", "x"],
    ):
        assert main(["--config", str(tmp_path / "prefail.toml"), *command]) == 1
        assert "Nothing was read or written" in capsys.readouterr().err
    assert [item.key for item in lake.store.list_keys("")] == [FORMAT_KEY]


def test_a_lake_from_before_there_was_a_format_is_read_and_marked_by_upgrade(lake: Lake) -> None:
    lake.store.write("ingested/probe", b"1")
    assert require_known_format(lake) is lake
    assert upgrade_lake(lake).summary == f"upgraded: lake=0->{LAKE_FORMAT} registry=0->{REGISTRY_FORMAT}"
    before = lake.store.read(FORMAT_KEY)
    assert upgrade_lake(lake).summary.startswith("unchanged:")
    assert lake.store.read(FORMAT_KEY) == before


def test_a_damaged_mark_is_named_and_nothing_is_guessed(lake: Lake) -> None:
    lake.store.write(FORMAT_KEY, b"{")
    with pytest.raises(LakeFormatError, match="lake upgrade"):
        require_known_format(lake)


def test_two_first_writers_at_once_leave_one_mark_and_an_old_release_stops(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_format(lake)
    monkeypatch.setattr(lake.store, "exists", lambda _key: False)
    mark_format(lake)
    assert read_format(lake).release == "9.1.0"
    write_format(lake, lake=LAKE_FORMAT + 1)
    with pytest.raises(LakeFormatError):
        mark_format(lake)

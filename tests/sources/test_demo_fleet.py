"""The demo's settings: one fleet for all its sources, with every day up to the present."""

import datetime as dt
from pathlib import Path

from pipelines.demo import prepare_demo
from pipelines.settings import Settings, load_settings
from pipelines.sources.source import RawTable, load_source_kind


def settings_of(folder: Path) -> Settings:
    return load_settings(prepare_demo(folder).settings_path, {})


def read_all(settings: Settings, day: dt.date) -> dict[str, list[RawTable]]:
    delivered = {}
    for source in settings.sources:
        kind = load_source_kind(source.kind)
        options = kind.Options.model_validate(source.options)
        delivered[source.name] = list(kind.read_day(options, day, settings.base_folder))
    return delivered


def test_every_source_of_the_demo_has_yesterday_so_that_the_schedule_of_make_up_finds_it(
    tmp_path: Path,
) -> None:
    yesterday = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)
    delivered = read_all(settings_of(tmp_path), yesterday)
    assert {raw.dataset for tables in delivered.values() for raw in tables} == {
        "raw_drive_smart",
        "raw_inventory",
        "raw_hw_events",
        "raw_failures",
    }


def test_all_sources_of_the_demo_speak_of_the_same_hosts(tmp_path: Path) -> None:
    plan = prepare_demo(tmp_path)
    delivered = read_all(settings_of(tmp_path), plan.run_days[-1])
    hosts = {
        name: {host for raw in tables if "host_id" in raw.table.column_names for host in raw.table["host_id"]}
        for name, tables in delivered.items()
    }
    assert hosts["logs"] == hosts["inventory"]
    assert hosts["drives"] <= hosts["inventory"]
    assert hosts["repairs"] <= hosts["inventory"]


def test_the_demo_keeps_settings_that_are_there(tmp_path: Path) -> None:
    path = prepare_demo(tmp_path).settings_path
    changed = path.read_text("utf-8").replace("n_hosts = 150", "n_hosts = 10")
    path.write_text(changed, "utf-8")
    prepare_demo(tmp_path)
    assert path.read_text("utf-8") == changed

"""The build step makes the days of kinds that are data, and one that fails costs the others nothing."""

import datetime as dt
from pathlib import Path

import pytest

from features.component_kinds import load_component_kind
from pipelines.build import build_day
from pipelines.build_kinds import build_kind_day
from pipelines.errors import MissingInputError
from pipelines.ingest import ingest_day
from pipelines.lake import Lake
from pipelines.settings import Settings, SourceSettings
from tests.factories import make_valid_table, with_values
from tests.sources.test_smartctl import ATA, DAY, write


@pytest.fixture
def settings(tmp_path: Path, lake: Lake) -> Settings:
    """Return a fleet of one drive, ingested."""
    write(tmp_path / "outputs", "web-1", "sda", ATA)
    smart = SourceSettings.model_validate({"name": "smart", "kind": "smartctl", "path": "outputs"})
    other = SourceSettings.model_validate({"name": "other", "kind": "smartctl", "path": "outputs"})
    settings = Settings(sources=(smart, other), base_folder=tmp_path)
    ingest_day(DAY, settings, lake, source_names=["smart"])
    return settings


def deliver_metrics(lake: Lake, part: str, temperature: float, day: dt.date = DAY) -> None:
    table = make_valid_table("raw_host_metrics", 2, day)
    table = with_values(table, "host_id", {0: "web-1", 1: "web-2"})
    table = with_values(table, "component_id", {0: "web-1", 1: "web-2"})
    table = with_values(table, "component_kind", {0: "host", 1: "host"})
    table = with_values(table, "signal", {0: "temperature_celsius", 1: "temperature_celsius"})
    table = with_values(table, "value_max", {0: temperature, 1: 30.0})
    lake.write_day("raw_host_metrics", day, table, part=part)


def test_a_kind_is_built_from_what_its_declaration_names(settings: Settings, lake: Lake) -> None:
    deliver_metrics(lake, "smart", 71.0)
    build_day(DAY, settings, lake)
    rows = {row["component_id"]: row for row in lake.read_day("core_host_days", DAY).to_pylist()}
    assert {host: row["temperature_celsius"] for host, row in rows.items()} == {"web-1": 71.0, "web-2": 30.0}
    digest = lake.digest_day("core_host_days", DAY)
    build_day(DAY, settings, lake)
    assert lake.digest_day("core_host_days", DAY) == digest


def test_a_host_that_two_sources_measure_counts_once_the_first_source_wins(
    settings: Settings, lake: Lake
) -> None:
    deliver_metrics(lake, "smart", 50.0)
    deliver_metrics(lake, "other", 70.0)
    build_kind_day(load_component_kind("host"), DAY, settings, lake, inventory=None, outages=())
    rows = {row["component_id"]: row for row in lake.read_day("core_host_days", DAY).to_pylist()}
    assert rows["web-1"]["temperature_celsius"] == 50.0


def test_a_fleet_without_metrics_has_no_host_days_and_its_drives_all_the_same(
    settings: Settings, lake: Lake
) -> None:
    build_day(DAY, settings, lake)
    assert lake.has_day("core_drive_days", DAY)
    assert not lake.has_day("core_host_days", DAY)
    with pytest.raises(MissingInputError, match="no source delivered raw_host_metrics or raw_hw_events"):
        build_kind_day(load_component_kind("host"), DAY, settings, lake, inventory=None, outages=())


def test_a_kind_that_cannot_be_built_is_said_and_costs_the_drives_nothing(
    settings: Settings, lake: Lake, caplog: pytest.LogCaptureFixture
) -> None:
    # Metrics that are known before their day began: the contract of core_host_days blocks them.
    early = make_valid_table("raw_host_metrics", 2, DAY - dt.timedelta(days=9))
    early = with_values(early, "signal", {0: "load_15m", 1: "load_15m"})
    lake.write_day("raw_host_metrics", DAY, early, part="smart")
    build_day(DAY, settings, lake)
    assert lake.has_day("core_drive_days", DAY)
    assert not lake.has_day("core_host_days", DAY)
    assert "core_host_days of 2024-01-02 was not built" in caplog.text

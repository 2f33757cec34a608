"""A morning on which one source fails: the others are written, built, scored and listed, and all is said."""

import datetime as dt
from pathlib import Path

import pytest

from pipelines.build import build_day
from pipelines.errors import MissingInputError, PrefailError
from pipelines.ingest import ingest_day
from pipelines.lake import Lake
from pipelines.publish import publish_day
from pipelines.published_list import read_day_manifest
from pipelines.score import score_day
from pipelines.settings import Settings
from pipelines.verify import verify_list
from tests.sources.test_smartctl import ATA, DAY, write
from tests.steps.hand_made_sources import CMDB, LOGS_NEVER_LATE, settings_of, write_syslog

YESTERDAY = DAY - dt.timedelta(days=1)
INVENTORY = "component_id,component_kind,host_id,slot\nM1,dimm,web-1,DIMM_A1\nM2,dimm,web-1,DIMM_A2\n"
UNCORRECTED = "EDAC MC0: 1 UE memory read error on DIMM_A1 (channel:0 slot:0 page:0x1 offset:0x0 grain:32)"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return a fleet of one host with a drive, two memory modules and a kernel log, two days of it."""
    (tmp_path / "inventory.csv").write_text(INVENTORY, "utf-8")
    for day in (YESTERDAY, DAY):
        noon = int(dt.datetime.combine(day, dt.time(12), dt.UTC).timestamp())
        write(tmp_path / "outputs", "web-1", "sda", {**ATA, "local_time": {"time_t": noon}}, day)
        write_syslog(tmp_path / "logs", day, "web-1", UNCORRECTED)
    return settings_of(
        tmp_path,
        {"name": "smart", "kind": "smartctl", "path": "outputs"},
        CMDB,
        LOGS_NEVER_LATE,
        targets=("drive_fails_30d", "dimm_fails_30d", "gpu_fails_30d", "host_fails_30d"),
    )


def run_day(day: dt.date, settings: Settings, lake: Lake) -> None:
    for step in (build_day, score_day, publish_day):
        step(day, settings, lake)


def abstentions(lake: Lake) -> dict[str, str | None]:
    rows = lake.read_day("out_predictions", DAY).to_pylist()
    return {row["component_id"]: row["abstention_reason"] for row in rows}


def test_a_log_that_is_not_delivered_costs_the_memory_modules_and_is_said(
    settings: Settings, lake: Lake, tmp_path: Path
) -> None:
    ingest_day(YESTERDAY, settings, lake)
    run_day(YESTERDAY, settings, lake)
    (tmp_path / "logs" / DAY.isoformat() / "web-1.log").unlink()
    with pytest.raises(PrefailError) as raised:
        ingest_day(DAY, settings, lake)
    assert f"1 of 3 sources failed for {DAY}: logs. The others are written." in raised.value.message
    assert f"prefail build --day {DAY}" in raised.value.message
    assert isinstance(raised.value, MissingInputError)
    assert raised.value.facts["failed_sources"] == ("logs",)

    run_day(DAY, settings, lake)
    found = abstentions(lake)
    assert {found["M1"], found["M2"]} == {"source_down"}
    assert found["ZA1ABCDE"] is None
    sentence = f"source logs delivered nothing of {DAY} (last: {YESTERDAY}): 2 DIMMs and 1 host abstained"
    assert read_day_manifest(DAY, lake).outages == (sentence,)
    verify_list(DAY, settings, lake)


def test_an_inventory_that_is_not_delivered_costs_nobody_and_slots_are_those_of_yesterday(
    settings: Settings, lake: Lake, tmp_path: Path
) -> None:
    for day in (YESTERDAY, DAY):
        ingest_day(day, settings, lake, source_names=["smart", "logs"])
    ingest_day(YESTERDAY, settings, lake, source_names=["cmdb"])
    for day in (YESTERDAY, DAY):
        run_day(day, settings, lake)
    assert abstentions(lake)["M2"] is None, "it was quiet, and its host was heard from"
    rows = {row["component_id"]: row for row in lake.read_day("out_at_risk_hosts", DAY).to_pylist()}
    assert rows["M1"]["slot"] == "DIMM_A1"
    assert read_day_manifest(DAY, lake).outages == (
        f"source cmdb delivered nothing of {DAY} (last: {YESTERDAY}): no component was left out for it",
    )
    verify_list(DAY, settings, lake)

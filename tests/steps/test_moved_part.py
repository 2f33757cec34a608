"""A part that moves to another host stays the part that it was: its errors, its risk and its log lines go along."""

import datetime as dt
from pathlib import Path

import pytest

from pipelines.build import build_day
from pipelines.ingest import ingest_day
from pipelines.lake import Lake
from pipelines.list_edition import compose_edition
from pipelines.list_explanation import explain_with_model
from pipelines.log_excerpts import read_log_excerpts
from pipelines.publish import publish_day
from pipelines.published_list import read_day_manifest
from pipelines.report.content import LogExcerpt
from pipelines.score import score_day
from pipelines.settings import Settings
from tests.steps.hand_made_sources import CMDB, LOGS_NEVER_LATE, settings_of, write_syslog

MOVED_ON = dt.date(2026, 2, 3)
BEFORE = MOVED_ON - dt.timedelta(days=1)
HEAD = "component_id,component_kind,host_id,slot,slot_confidence,valid_from,valid_to"
INVENTORY = f"""{HEAD}
web-1,host,web-1,,,2025-01-01,
web-2,host,web-2,,,2025-01-01,
M1,dimm,web-1,DIMM_A1,,2025-01-01,{MOVED_ON}
M1,dimm,web-2,DIMM_B1,0.6,{MOVED_ON},
M2,dimm,web-2,DIMM_B1,,2025-01-01,{MOVED_ON}
M3,dimm,web-2,DIMM_B2,,2025-01-01,
"""
UNCORRECTED = "EDAC MC0: 1 UE memory read error on {} (channel:0 slot:0 page:0x1 offset:0x0 grain:32)"
CORRECTED = "EDAC MC0: 2 CE memory read error on {} (channel:0 slot:0 page:0x1 offset:0x0 grain:32)"


@pytest.fixture
def moved(tmp_path: Path, lake: Lake) -> Settings:
    """Two days: M1 errs in web-1, then takes M2's slot in web-2. All steps of both have run."""
    (tmp_path / "inventory.csv").write_text(INVENTORY, "utf-8")
    logs = tmp_path / "logs"
    write_syslog(logs, BEFORE, "web-1", "all is well", UNCORRECTED.format("DIMM_A1"))
    write_syslog(logs, BEFORE, "web-2", "all is well", CORRECTED.format("DIMM_B1"))
    write_syslog(logs, MOVED_ON, "web-1", "all is well")
    write_syslog(logs, MOVED_ON, "web-2", "all is well")
    settings = settings_of(tmp_path, CMDB, LOGS_NEVER_LATE, targets=("dimm_fails_30d",))
    for day in (BEFORE, MOVED_ON):
        ingest_day(day, settings, lake)
        for step in (build_day, score_day, publish_day):
            step(day, settings, lake)
    return settings


def listed(lake: Lake) -> dict[str, dict[str, object]]:
    return {row["component_id"]: row for row in lake.read_day("out_at_risk_hosts", MOVED_ON).to_pylist()}


def excerpt_of(component_id: str, settings: Settings, lake: Lake) -> LogExcerpt | None:
    predictions = lake.read_day("out_predictions", MOVED_ON)
    wanted = [name == component_id for name in predictions["component_id"].to_pylist()]
    (found,) = read_log_excerpts(predictions.filter(wanted), predictions, MOVED_ON, settings, lake)
    return found


@pytest.mark.usefixtures("moved")
def test_its_days_are_those_of_one_part(lake: Lake) -> None:
    days = {
        day: {row["component_id"]: row for row in lake.read_day("core_dimm_days", day).to_pylist()}
        for day in (BEFORE, MOVED_ON)
    }
    assert [days[day]["M1"]["host_id"] for day in (BEFORE, MOVED_ON)] == ["web-1", "web-2"]
    assert len({days[day]["M1"]["component_key"] for day in (BEFORE, MOVED_ON)}) == 1
    assert days[BEFORE]["M1"]["uncorrected_errors"] == 1.0
    assert days[BEFORE]["M2"]["corrected_errors"] == 2.0


@pytest.mark.usefixtures("moved")
def test_it_is_listed_where_it_is_now_for_what_it_did_before(lake: Lake) -> None:
    part = listed(lake)["M1"]
    assert (part["host_id"], part["slot"]) == ("web-2", "DIMM_B1 (60 % sure)")
    assert 0.2 < float(str(part["risk"])) <= 0.5, "the rule's first tier: an uncorrectable error in 7 days"
    assert "M2" not in listed(lake)
    assert b"DIMM_B1 (60 % sure)" in lake.store.read(f"published/at_risk_hosts/day={MOVED_ON}/report.html")


def test_its_log_lines_go_along_and_those_of_the_part_before_it_do_not_stick_to_the_slot(
    moved: Settings, lake: Lake
) -> None:
    found = excerpt_of("M1", moved, lake)
    assert found is not None
    assert found.about == "this DIMM"
    assert [line.text for line in found.lines] == [UNCORRECTED.format("DIMM_A1")]
    other = excerpt_of("M3", moved, lake)
    assert other is not None
    assert (other.about, [line.text for line in other.lines]) == (
        "a DIMM of its host",
        [CORRECTED.format("DIMM_B1")],
    )


def test_the_list_names_each_inventory_that_lines_were_laid_to(moved: Settings, lake: Lake) -> None:
    keys = {item.key for item in compose_edition(MOVED_ON, moved, lake, explain_with_model).manifest.inputs}
    assert {f"raw_inventory/day={day}/part-cmdb.parquet" for day in (BEFORE, MOVED_ON)} <= keys
    assert read_day_manifest(MOVED_ON, lake).outages == ()

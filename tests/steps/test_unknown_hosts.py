"""A host that no inventory names is said by the build step, and scored like any other."""

import datetime as dt
import logging
from pathlib import Path

import pytest

from pipelines.build import build_day
from pipelines.ingest import ingest_day
from pipelines.lake import Lake
from pipelines.settings import Settings
from pipelines.unknown_hosts import describe_unknown_hosts, find_unknown_hosts
from tests.steps.hand_made_sources import CMDB, settings_of, write_syslog
from tests.steps.hand_made_sources import LOGS_NEVER_LATE as LOGS

DAY = dt.date(2026, 2, 1)
INVENTORY = "component_id,component_kind,host_id,slot\nweb-1,host,web-1,\nM1,dimm,web-1,DIMM_A1\n"
CORRECTED = "EDAC MC0: 2 CE memory read error on DIMM_A1 (channel:0 slot:0 page:0x1 offset:0x0 grain:32)"


def fleet(folder: Path, lake: Lake, *sources: dict[str, object]) -> Settings:
    (folder / "inventory.csv").write_text(INVENTORY, "utf-8")
    for host in ("web-1", "rogue-7"):
        write_syslog(folder / "logs", DAY, host, CORRECTED)
    settings = settings_of(folder, *sources)
    ingest_day(DAY, settings, lake)
    return settings


def test_a_host_in_no_inventory_is_said_and_its_parts_are_built(
    tmp_path: Path, lake: Lake, caplog: pytest.LogCaptureFixture
) -> None:
    settings = fleet(tmp_path, lake, LOGS, CMDB)
    with caplog.at_level(logging.WARNING, "pipelines.build"):
        facts = build_day(DAY, settings, lake)
    assert facts.fact("hosts_in_no_inventory") == 1
    assert f"1 host is in the logs or metrics of {DAY} and in no inventory: rogue-7." in caplog.text
    assert set(lake.read_day("core_dimm_days", DAY)["component_id"].to_pylist()) == {"M1", "rogue-7/DIMM_A1"}
    assert "rogue-7" in lake.read_day("core_host_days", DAY)["component_id"].to_pylist()


def test_without_any_inventory_no_host_is_called_unknown(tmp_path: Path, lake: Lake) -> None:
    settings = fleet(tmp_path, lake, LOGS)
    assert find_unknown_hosts(DAY, settings, lake) == ()
    assert "hosts_in_no_inventory" not in dict(build_day(DAY, settings, lake).facts)


def test_many_unknown_hosts_are_named_bounded() -> None:
    said = describe_unknown_hosts(DAY, tuple(f"h{number}" for number in range(1200)))
    assert said.startswith("1,200 hosts are in the logs")
    assert "h0, h1, h2 and 1,197 more." in said

"""Modules, GPUs and hosts are scored by their declared rules until enough of them failed, and every output says so."""

import datetime as dt
from pathlib import Path

import pytest

from pipelines.build import build_day
from pipelines.ingest import ingest_day
from pipelines.lake import Lake
from pipelines.populations import read_populations
from pipelines.score import score_day
from pipelines.settings import Settings
from pipelines.train import train_target
from tests.steps.hand_made_sources import CE, CMDB, LOGS, settings_of, write_inventory, write_journal

DAYS = [dt.date(2026, 2, 1) + dt.timedelta(days=number) for number in range(2)]
UE = "EDAC MC0: 1 UE memory read error on DIMM_A2 (channel:0 slot:1 page:0x1 offset:0x0 grain:32)"
OFF_BUS = "NVRM: Xid (PCI:0000:3b:00): 79, pid=1, GPU has fallen off the bus."
BY_A_PROGRAM = "NVRM: Xid (PCI:0000:5e:00): 31, pid=2, name=python, Ch 00000010, MMU Fault"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return three hosts, two with bad hardware on the last day, all with modules and GPUs in the inventory."""
    rows = []
    for host in ("web-1", "web-2", "web-3"):
        rows += [f"{host},host,{host},,R740"]
        rows += [f"{host}-M{number},dimm,{host},DIMM_A{number},one model" for number in (1, 2)]
        rows += [f"{host}-G{bus},gpu,{host},00000000:{bus}:00.0,one model" for bus in ("3B", "5E")]
    write_inventory(tmp_path, rows)
    for day in DAYS:
        is_last = day == DAYS[-1]
        said = {"web-1": [CE, UE], "web-2": [OFF_BUS, BY_A_PROGRAM]} if is_last else {}
        for host in ("web-1", "web-2", "web-3"):
            write_journal(tmp_path / "logs", day, host, f"something of {host}", *said.get(host, []))
    return settings_of(tmp_path, LOGS, CMDB)


def test_the_part_that_its_rule_speaks_of_comes_first_and_the_rule_is_named(
    settings: Settings, lake: Lake
) -> None:
    for day in DAYS:
        ingest_day(day, settings, lake)
        build_day(day, settings, lake)
    score_day(DAYS[-1], settings, lake)
    rows = lake.read_day("out_predictions", DAYS[-1]).to_pylist()
    assert {(row["target"], row["model_id"]) for row in rows} == {
        (f"{kind}_fails_30d", f"rule:{kind}_fails_30d") for kind in ("dimm", "gpu", "host")
    }
    risks = {row["component_id"]: row["risk"] for row in rows}
    assert (risks["web-1-M2"], risks["web-1-M1"]) == (
        pytest.approx(0.41, abs=0.01),
        pytest.approx(0.016, abs=0.001),
    )
    assert risks["web-2-G3B"] > 0.2
    # What a program caused says nothing of the board, and a quiet part is as good as any.
    assert risks["web-2-G5E"] == risks["web-3-G3B"] == 0.004
    assert risks["web-3-M1"] == 0.0002
    assert risks["web-1"] > risks["web-3"] == 0.01

    for kind in ("dimm", "gpu", "host"):
        facts = train_target(f"{kind}_fails_30d", DAYS[-1], settings, lake)
        assert (facts.model_id, facts.in_use) == (None, f"rule:{kind}_fails_30d")
        assert facts.why == "0 failures are known; 30 are needed to learn from"


def test_kinds_that_share_a_hardware_models_name_are_never_compared(settings: Settings, lake: Lake) -> None:
    ingest_day(DAYS[-1], settings, lake)
    build_day(DAYS[-1], settings, lake)
    tables = {
        kind: read_populations(lake, [DAYS[-1]], component_kind=kind) for kind in ("dimm", "gpu", "drive")
    }
    assert tables["dimm"].models == tables["gpu"].models == ("one model",)
    assert "corrected_errors" in tables["dimm"].signals
    assert "corrected_errors" not in tables["gpu"].signals
    assert tables["drive"].models == ()
    counted = lake.read_day("core_model_population", DAYS[-1], part="dimm")
    assert set(counted["component_kind"].to_pylist()) == {"dimm"}
    of_errors = [row["n_components"] for row in counted.to_pylist() if row["signal"] == "corrected_errors"]
    assert sum(of_errors) == 6

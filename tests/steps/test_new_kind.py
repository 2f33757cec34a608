"""A component kind is added with data alone: its declaration, contract, target and signatures, no line of code."""

import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import data_contracts.loader
import features.component_kinds
import features.signatures
import features.target
from pipelines.build import build_day
from pipelines.ingest import ingest_day
from pipelines.lake import Lake
from pipelines.score import score_day
from pipelines.settings import Settings
from pipelines.train import train_target
from tests.steps.hand_made_sources import CMDB, LOGS, settings_of, write_inventory, write_journal

FIRST_DAY = dt.date(2026, 2, 1)
DAYS = [FIRST_DAY + dt.timedelta(days=number) for number in range(3)]

SIGNATURES = """
signatures:
  - key: psu_ripple
    pattern: 'psu-monitor: bay # ripple above limit'
    class: psu_ripple
    component: psu
    severity: warning
    vendor: acme
    knowledge: 'ACME power shelf manual, chapter 4'
    example: 'psu-monitor: bay 2 ripple above limit'
    hint: '(bay [0-9]+)'
"""

KIND = """
kind: psu
dataset: core_psu_days
identity: component_id
labels: ['(?:bay|PSU)[ _]?(?P<bay>[0-9]+)']
signals:
  - name: ripple_events
    kind: gauge
    unit: events
    upper_bound: 10000000
    source: {dataset: raw_hw_events, where: {event_class: [psu_ripple]}, column: n_events, across: sum}
    absent: 0
"""

TARGET = """
name: psu_fails_30d
component_kind: psu
dataset: core_psu_days
horizon_days: 30
lead_days: 1
signals: [ripple_events]
error_signals: [ripple_events]
feature_groups:
  - {signals: errors, aggregates: [level, max_7d, mean_30d, percentile]}
logistic_features: [ripple_events_max_7d]
rule:
  title: ripple in 7 days
  signals: [ripple_events]
  tiers: [{window_days: 7, risk: 0.2, aggregate: max}]
  base_risk: 0.01
"""


@pytest.fixture
def psu_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Lay the four files beside copies of those that ship, and read declarations from there."""
    modules = {
        "component_kinds": features.component_kinds,
        "signatures": features.signatures,
        "targets": features.target,
        "contracts": data_contracts.loader,
    }
    folders = {name: tmp_path / "declared" / name for name in modules}
    for name, module in modules.items():
        shutil.copytree(module.FOLDER, folders[name], ignore=shutil.ignore_patterns("*.py", "__pycache__"))
        monkeypatch.setattr(module, "FOLDER", folders[name])
    recipe = (folders["targets"] / "dimm_fails_30d.yaml").read_text("utf-8")
    contract = (folders["contracts"] / "core_dimm_days.odcs.yaml").read_text("utf-8")
    signals, known_at = contract.index("      - name: uncorrected"), contract.index("      - name: known_at")
    contract = contract[:signals] + contract[known_at:]
    contract = contract.replace("core_dimm_days", "core_psu_days").replace(
        "corrected_errors", "ripple_events"
    )
    (folders["signatures"] / "power_shelf.yaml").write_text(SIGNATURES, "utf-8")
    (folders["component_kinds"] / "psu.yaml").write_text(KIND, "utf-8")
    (folders["targets"] / "psu_fails_30d.yaml").write_text(
        TARGET + recipe[recipe.index("training:") :], "utf-8"
    )
    (folders["contracts"] / "core_psu_days.odcs.yaml").write_text(contract, "utf-8")
    _forget_declarations()
    yield
    monkeypatch.undo()
    _forget_declarations()


def _forget_declarations() -> None:
    features.signatures.load_catalogue.cache_clear()
    features.component_kinds.load_component_kind.cache_clear()
    data_contracts.loader.load_contract.cache_clear()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return two hosts of two power supplies each; one of them has ripple on the last day."""
    rows = []
    for host in ("web-1", "web-2"):
        rows.append(f"{host},host,{host},,R740")
        rows += [f"{host}-supply-{bay},psu,{host},PSU {bay},PWR-750" for bay in (1, 2)]
    write_inventory(tmp_path, rows)
    for day in DAYS:
        for host in ("web-1", "web-2"):
            said = [f"psu-monitor: fine on {host}"]
            if host == "web-1" and day == DAYS[-1]:
                said += ["psu-monitor: bay 2 ripple above limit", "psu-monitor: bay 7 ripple above limit"]
            write_journal(tmp_path / "logs", day, host, *said)
    return settings_of(tmp_path, LOGS, CMDB, targets=("psu_fails_30d",))


@pytest.mark.usefixtures("psu_files")
def test_a_kind_that_is_only_declared_is_ingested_built_and_scored_by_its_rule(
    settings: Settings, lake: Lake
) -> None:
    for day in DAYS:
        ingest_day(day, settings, lake)
        assert build_day(day, settings, lake).fact("kinds") == "host+psu"
    days = {
        row["component_id"]: row["ripple_events"]
        for row in lake.read_day("core_psu_days", DAYS[-1]).to_pylist()
    }
    assert days == {
        "web-1-supply-1": 0.0,
        "web-1-supply-2": 1.0,
        "web-1/bay 7": 1.0,
        "web-2-supply-1": 0.0,
        "web-2-supply-2": 0.0,
    }
    population = lake.read_day("core_model_population", DAYS[-1], part="psu").to_pylist()
    assert {(row["component_kind"], row["model"]) for row in population} == {
        ("psu", "PWR-750"),
        ("psu", "unknown"),
    }

    score_day(DAYS[-1], settings, lake)
    predicted = {row["component_id"]: row for row in lake.read_day("out_predictions", DAYS[-1]).to_pylist()}
    assert {row["model_id"] for row in predicted.values()} == {"rule:psu_fails_30d"}
    assert predicted["web-1-supply-2"]["rank"] == 1
    assert predicted["web-1-supply-2"]["risk"] > 0.1
    assert predicted["web-2-supply-1"]["risk"] == pytest.approx(0.01)
    assert predicted["web-1/bay 7"]["abstention_reason"] == "not_enough_history"

    trained = train_target("psu_fails_30d", DAYS[-1], settings, lake)
    assert (trained.model_id, trained.in_use) == (None, "rule:psu_fails_30d")
    assert trained.why == "0 failures are known; 30 are needed to learn from"

"""The Grafana dashboard: its structure, and that it asks for what is there and shows all of it."""

import itertools
import json
import subprocess
from pathlib import Path

import pytest
import yaml

from pipelines.monitoring.measure import METRICS
from tests.conftest import PROJECT
from tests.monitoring.promql import labels_in, series_in

DASHBOARD = json.loads((PROJECT / "infra/monitoring/grafana-dashboard.json").read_text("utf-8"))
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
LABELS_OF = {metric.name: {"environment", *metric.labels} for metric in METRICS}


def test_it_has_what_grafana_reads_a_dashboard_by() -> None:
    assert DASHBOARD["uid"] == "prefail"
    assert DASHBOARD["schemaVersion"] >= 36
    assert {"title", "panels", "templating", "time", "annotations"} <= set(DASHBOARD)
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
    assert {panel["type"] for panel in DASHBOARD["panels"]} <= {"row", "stat", "timeseries", "table"}


def test_panels_lie_on_the_grid_and_on_no_other_panel() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        assert 0 <= at["x"] < at["x"] + at["w"] <= 24, panel["title"]
        cells = set(itertools.product(range(at["x"], at["x"] + at["w"]), range(at["y"], at["y"] + at["h"])))
        assert not cells & taken, panel["title"]
        taken |= cells


@pytest.mark.parametrize("panel", PANELS, ids=[panel["title"] for panel in PANELS])
def test_a_panel_asks_for_figures_and_labels_that_are_there(panel: dict[str, list[dict[str, str]]]) -> None:
    assert panel["targets"]
    assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
    for target in panel["targets"]:
        asked = series_in(target["expr"])
        assert asked
        assert asked <= set(LABELS_OF)
        known = set().union(*(LABELS_OF[name] for name in asked))
        assert labels_in(target["expr"]) <= known
        assert 'environment="$environment"' in target["expr"]
        shown = {part.split("}}")[0] for part in target["legendFormat"].split("{{")[1:]}
        assert shown <= known


@pytest.mark.service
def test_prometheus_would_take_every_expression_and_refuse_a_wrong_one(tmp_path: Path) -> None:
    """As recording rules, because promtool reads those; Grafana puts the variable's value in its place."""
    asked = [target["expr"] for panel in PANELS for target in panel["targets"]]
    for more, is_taken in (([], True), (["sum(prefail_listed_hosts"], False)):
        rules = [
            {"record": f"panel_{n}", "expr": expr.replace("$environment", "main")}
            for n, expr in enumerate([*asked, *more])
        ]
        path = tmp_path / "panels.yaml"
        path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}), "utf-8")
        checked = subprocess.run(["promtool", "check", "rules", path], capture_output=True, timeout=120)
        assert (checked.returncode == 0) is is_taken, checked.stderr


def test_every_figure_is_on_the_dashboard() -> None:
    asked = {name for panel in PANELS for target in panel["targets"] for name in series_in(target["expr"])}
    assert asked == set(LABELS_OF)


def test_its_variables_ask_for_what_is_there() -> None:
    variables = {each["name"]: each for each in DASHBOARD["templating"]["list"]}
    assert set(variables) == {"datasource", "environment"}
    assert series_in(variables["environment"]["query"]) <= set(LABELS_OF)

"""Alert rules: promtool's own tests of each, a page that begins with what to do, no figure that is not there."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from pipelines.monitoring.measure import METRICS
from tests.conftest import PROJECT
from tests.monitoring.promql import labels_in, series_in

FOLDER = PROJECT / "infra" / "monitoring"
RULES = FOLDER / "prefail-alerts.yaml"
TESTS = FOLDER / "prefail-alerts.test.yaml"
NAMES = {metric.name for metric in METRICS}
LABELS = {"environment", *(label for metric in METRICS for label in metric.labels)}


def promtool(*arguments: object) -> str:
    result = subprocess.run(
        ["promtool", *map(str, arguments)], capture_output=True, text=True, cwd=FOLDER, timeout=120
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


CHECKS = [
    check for test in yaml.safe_load(TESTS.read_text("utf-8"))["tests"] for check in test["alert_rule_test"]
]
ALERTS = [rule for group in yaml.safe_load(RULES.read_text("utf-8"))["groups"] for rule in group["rules"]]


@pytest.mark.service
def test_the_rules_are_what_prometheus_reads() -> None:
    assert f"{len(ALERTS)} rules found" in promtool("check", "rules", RULES.name)


@pytest.mark.service
def test_every_alert_does_what_its_tests_say() -> None:
    assert "SUCCESS" in promtool("test", "rules", TESTS.name)


@pytest.mark.parametrize("alert", ALERTS, ids=[rule["alert"] for rule in ALERTS])
def test_every_alert_is_tested_where_it_must_fire_and_where_it_must_not(alert: dict[str, object]) -> None:
    expected = {bool(check["exp_alerts"]) for check in CHECKS if check["alertname"] == alert["alert"]}
    assert expected == {True, False}


@pytest.mark.parametrize("alert", ALERTS, ids=[rule["alert"] for rule in ALERTS])
def test_every_alert_asks_for_figures_that_are_there(alert: dict[str, object]) -> None:
    asked = series_in(str(alert["expr"]))
    assert asked
    assert asked <= NAMES
    assert labels_in(str(alert["expr"])) <= LABELS


@pytest.mark.parametrize("alert", ALERTS, ids=[rule["alert"] for rule in ALERTS])
def test_every_alert_has_a_page_that_begins_with_what_to_do(alert: dict[str, dict[str, str]]) -> None:
    assert alert["labels"]["severity"] in ("page", "ticket")
    page = PROJECT / alert["annotations"]["runbook_url"]
    assert page.relative_to(PROJECT) == Path(f"docs/runbook/{alert['alert']}.md")
    lines = page.read_text("utf-8").splitlines()
    assert lines[0].startswith(f"# {alert['alert']}: ")
    assert lines[2] == "## What to do"
    assert lines[4].startswith("1. ")


def test_no_page_is_about_an_alert_that_is_gone() -> None:
    pages = {path.stem for path in (PROJECT / "docs" / "runbook").glob("*.md")}
    assert pages == {rule["alert"] for rule in ALERTS}


def test_pages_link_to_pages_that_are_there() -> None:
    for page in (PROJECT / "docs" / "runbook").glob("*.md"):
        for target in re.findall(r"\]\(([^)]+)\)", page.read_text("utf-8")):
            assert (page.parent / target).is_file(), f"{page.name}: {target}"

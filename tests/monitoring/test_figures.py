"""The day's figures say what the lake and the tracker hold, and the page explains each of them."""

import datetime as dt
from pathlib import Path

import pytest

from pipelines.day_findings import DayCheck, DayFinding, Trouble, write_day_check
from pipelines.errors import MissingInputError
from pipelines.lake import Lake
from pipelines.monitoring.figures.metric import Metric, end_of_day_seconds
from pipelines.monitoring.measure import METRICS, measure_day, render_metrics_table
from pipelines.proposals import propose_model
from pipelines.settings import Settings
from pipelines.ticket_settings import TicketSettings
from tests.conftest import PROJECT
from tests.monitoring.measured_day import DAY, MATURE, TARGET, fill, make_settings

Figures = dict[tuple[str, ...], float]


def figures_of(settings: Settings, lake: Lake, day: dt.date = DAY) -> Figures:
    return {(each.metric.name, *each.labels): each.value for each in measure_day(day, settings, lake)}


@pytest.fixture
def figures(tmp_path: Path, lake: Lake) -> Figures:
    settings = make_settings(tmp_path)
    fill(lake, settings)
    return figures_of(settings, lake)


def test_rows_and_verdicts_are_those_of_the_day(figures: Figures) -> None:
    assert figures["prefail_dataset_rows", "raw_drive_smart", "drives"] == 10
    assert figures["prefail_dataset_quarantined_rows", "raw_drive_smart", "drives"] == 2
    word = ("passed", "warned", "quarantined", "blocked")
    said = {each: figures["prefail_dataset_verdict", "raw_inventory", "cmdb", each] for each in word}
    assert said == {"passed": 0, "warned": 0, "quarantined": 0, "blocked": 1}


def test_points_in_time_are_ends_of_days(figures: Figures) -> None:
    end = end_of_day_seconds(DAY)
    assert figures["prefail_day_end_timestamp_seconds",] == end
    assert figures["prefail_dataset_last_day_end_timestamp_seconds", "out_at_risk_hosts"] == end
    assert figures["prefail_source_last_day_end_timestamp_seconds", "drives"] == end
    assert figures["prefail_source_last_day_end_timestamp_seconds", "ipmi"] == end - 2 * 86_400
    assert ("prefail_source_last_day_end_timestamp_seconds", "never") not in figures
    assert figures["prefail_mature_day_end_timestamp_seconds", TARGET] == end_of_day_seconds(MATURE)


def test_scores_and_list_are_counted(figures: Figures) -> None:
    assert figures["prefail_scored_components", TARGET] == 8
    assert figures["prefail_abstained_components", TARGET, "source_down"] == 2
    assert figures["prefail_abstained_ratio", TARGET] == 0.2
    assert figures["prefail_highest_risk_ratio", TARGET] == 0.5
    assert figures["prefail_listed_components", TARGET] == figures["prefail_listed_hosts",] == 2


def test_a_mature_day_is_judged_without_what_failed_within_the_lead_time(figures: Figures) -> None:
    # Z01 failed within the lead time: its risk of 0.4 and its place on the list count nowhere.
    assert figures["prefail_mature_expected_failures", TARGET] == pytest.approx(0.5 + 6 * 0.1)
    assert figures["prefail_mature_observed_failures", TARGET] == 2
    assert figures["prefail_mature_listed_components", TARGET] == 1
    assert figures["prefail_mature_listed_failures", TARGET] == 1


def test_drift_is_that_of_the_report(figures: Figures) -> None:
    assert figures["prefail_signal_drift_psi", "drive", "power_on_hours"] == 0.07
    assert figures["prefail_score_drift_psi", TARGET] == 0.03
    assert figures["prefail_drift_reference_partitions", "drive"] == 27
    found = {each[1]: value for each, value in figures.items() if each[0] == "prefail_drift_findings"}
    assert found == {kind: float(kind == "new_model") for kind in found}
    assert len(found) == 7


def test_tickets_are_counted_by_age_and_outcomes_as_known_that_evening(figures: Figures) -> None:
    assert figures["prefail_tracker_up",] == 1
    ages = {each[1]: value for each, value in figures.items() if each[0] == "prefail_open_tickets"}
    assert ages == {"0-7d": 1, "8-14d": 1, "15-30d": 0, "over_30d": 1}
    assert figures["prefail_overdue_tickets",] == 2
    assert figures["prefail_judged_tickets",] == 24
    assert figures["prefail_ticket_precision_ratio",] == 0.75


def test_a_rule_is_named_and_has_no_age(figures: Figures) -> None:
    assert figures["prefail_champion", TARGET, f"rule:{TARGET}"] == 1
    assert not [each for each in figures if each[0] == "prefail_model_learned_until_timestamp_seconds"]


def test_a_model_that_waits_for_a_person_is_counted(tmp_path: Path, lake: Lake) -> None:
    settings = make_settings(tmp_path)
    fill(lake, settings)
    assert figures_of(settings, lake)["prefail_waiting_models", TARGET] == 0
    propose_model("m2", TARGET, lake, as_of=DAY, why="better", comparison=())
    assert figures_of(settings, lake)["prefail_waiting_models", TARGET] == 1


def test_each_step_leaves_its_seconds(figures: Figures) -> None:
    assert 0 <= figures["prefail_step_duration_seconds", "scored"] < 10


def test_a_tracker_that_is_away_costs_only_its_own_figures(tmp_path: Path, lake: Lake) -> None:
    settings = make_settings(tmp_path)
    fill(lake, settings)
    away = settings.model_copy(
        update={
            "tickets": TicketSettings(
                tracker="request_tracker", options={"url": "https://tickets.example.com", "queue": "q"}
            )
        }
    )
    figures = figures_of(away, lake)
    assert figures["prefail_tracker_up",] == 0
    assert figures["prefail_scored_components", TARGET] == 8


def test_a_day_of_which_nothing_was_delivered_says_how_far_sources_and_list_are_behind(
    tmp_path: Path, lake: Lake
) -> None:
    settings = make_settings(tmp_path)
    fill(lake, settings)
    after = DAY + dt.timedelta(days=1)
    figures = figures_of(settings, lake, after)
    assert figures["prefail_day_end_timestamp_seconds",] == end_of_day_seconds(after)
    for behind in (
        ("prefail_dataset_last_day_end_timestamp_seconds", "out_at_risk_hosts"),
        ("prefail_source_last_day_end_timestamp_seconds", "drives"),
    ):
        assert figures[behind] == end_of_day_seconds(DAY)
    assert not [each for each in figures if each[0] == "prefail_dataset_verdict"]


def test_the_newest_check_of_days_is_counted_by_what_has_to_be_healed(tmp_path: Path, lake: Lake) -> None:
    settings = make_settings(tmp_path)
    fill(lake, settings)
    name = "prefail_day_check_findings"
    assert not [each for each in figures_of(settings, lake) if each[0] == name], "nobody has checked"
    before, after = DAY - dt.timedelta(days=1), DAY + dt.timedelta(days=1)
    for day, findings in ((before, [False, False, True]), (after, [False])):
        found = tuple(
            DayFinding(day=day, trouble=Trouble.NOT_SCORED, what="w", command="c", is_note=is_note)
            for is_note in findings
        )
        write_day_check(DayCheck(first_day=MATURE, last_day=day, findings=found), lake)
    counts = {each[1]: value for each, value in figures_of(settings, lake).items() if each[0] == name}
    assert counts == dict.fromkeys(Trouble, 0) | {Trouble.NOT_SCORED: 2}


def test_a_day_without_any_delivery_for_a_week_has_no_figures(tmp_path: Path, lake: Lake) -> None:
    with pytest.raises(MissingInputError, match=f"prefail ingest --day {DAY}"):
        measure_day(DAY, make_settings(tmp_path), lake)


@pytest.mark.parametrize("metric", METRICS, ids=[each.name for each in METRICS])
def test_names_and_helps_follow_the_conventions(metric: Metric) -> None:
    assert metric.name.startswith("prefail_")
    assert not metric.name.endswith(("_total", "_count", "_sum", "_days", "_percent"))
    assert metric.help.endswith(".")
    assert "|" not in metric.help


def test_the_page_is_what_the_metrics_say(request: pytest.FixtureRequest) -> None:
    path = PROJECT / "docs" / "metrics.md"
    head, mark, _ = path.read_text("utf-8").partition("--rewrite-golden -->\n")
    page = f"{head}{mark}\n{render_metrics_table()}"
    if request.config.getoption("--rewrite-golden"):
        path.write_text(page, "utf-8")
    assert path.read_text("utf-8") == page, "write it anew: pytest tests/monitoring --rewrite-golden"

"""The real scheduler: a back-fill, consumers by asset and key, a day run again, a source down, people asked."""

import datetime as dt
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from airflow_server import AirflowServer, run_airflow
from people_and_days import (
    check_that_a_question_nobody_answers_in_time_is_a_no,
    check_that_people_are_asked_and_their_names_kept,
    check_that_the_check_of_days_names_what_is_wrong_and_sends_the_figures,
)
from scheduled_fleet import FAILED_BY_THE_SOURCE, Fleet, run_prefail

from pipelines.day_runs import open_settings_lake
from pipelines.published_list import read_day_manifest
from pipelines.settings import load_settings
from pipelines.tickets.trackers import open_tracker

PROJECT = Path(__file__).parents[2]
N_HISTORY_DAYS = 45
N_BACKFILLED_DAYS = 3
# Random ids, and seconds.
_DIFFERS = frozenset({"data_docs", "runs"})


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    yesterday = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)
    n_days = N_HISTORY_DAYS + N_BACKFILLED_DAYS + 1
    days = tuple(yesterday - dt.timedelta(days=back) for back in reversed(range(n_days)))
    settings_path = tmp_path / "prefail.toml"
    settings_path.write_text(
        f"""
[lake]
root = "lake"

[[sources]]
name = "drives"
kind = "simulated"
path = "drive_stats"
n_hosts = 60
drives_per_host = 12
seed = 7
first_day = "{days[0]}"
n_days = {n_days}
annual_failure_rate = 0.8
""",
        "utf-8",
    )
    made = Fleet(
        settings_path=settings_path,
        history_days=days[:N_HISTORY_DAYS],
        backfilled_days=days[N_HISTORY_DAYS:-1],
        yesterday=yesterday,
    )
    span = ("--from", made.history_days[0].isoformat(), "--to", made.history_days[-1].isoformat())
    for step in ("ingest", "build"):
        run_prefail(settings_path, step, *span, "--jobs", "2")
    return made


@pytest.fixture
def airflow(fleet: Fleet, tmp_path: Path) -> Iterator[AirflowServer]:
    with run_airflow(tmp_path / "airflow", PROJECT / "dags", fleet.settings_path) as server:
        yield server


def keys_of_finished_runs(airflow: AirflowServer, dag_id: str) -> list[str | None]:
    return sorted(run.partition_key or "" for run in airflow.runs(dag_id) if run.state == "success")


def published_bytes(fleet: Fleet) -> dict[str, str]:
    """Return the digest of every object of the lake; lock files and what differs by nature aside.

    Great Expectations gives the elements of its pages random ids, so equal verdicts make unequal pages.
    """
    root = fleet.settings_path.parent / "lake"
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file() and not path.name.startswith(".") and not _DIFFERS & set(path.parts)
    }


def all_tickets(fleet: Fleet) -> list[str]:
    settings = load_settings(fleet.settings_path)
    return [repr(ticket) for ticket in open_tracker(settings).list_all(settings.environment)]


@pytest.mark.service
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_schedule_and_backfill_drive_every_day_once_and_a_second_run_changes_nothing(
    fleet: Fleet, airflow: AirflowServer
) -> None:
    assert airflow.is_paused("ingest_day"), "a deployment starts nothing before a person switches it on"
    for consumer in ("score_day", "ticket_day"):
        assert not airflow.is_paused(consumer), "a paused consumer would lose its events"

    # A model, trained by its DAG on what was known by the last day of the history.
    airflow.unpause("train_models")
    trained = airflow.trigger("train_models", conf={"asof": fleet.history_days[-1].isoformat()})
    airflow.wait_for(
        "training",
        lambda: any(run.run_id == trained and run.state == "success" for run in airflow.runs("train_models")),
    )

    # Switched on, the schedule delivers yesterday; the back-fill delivers the three days before.
    airflow.unpause("ingest_day")
    first, last = fleet.backfilled_days[0].isoformat(), fleet.backfilled_days[-1].isoformat()
    airflow.command("backfill", "create", "--dag-id", "ingest_day", "--from-date", first, "--to-date", last)
    days = [day.isoformat() for day in (*fleet.backfilled_days, fleet.yesterday)]
    airflow.wait_for(
        "the consumers", lambda: keys_of_finished_runs(airflow, "ticket_day") == days, seconds=240
    )

    types = {run.partition_key: run.run_type for run in airflow.runs("ingest_day")}
    assert types == dict.fromkeys(days[:-1], "backfill") | {days[-1]: "scheduled"}
    delivered = published_bytes(fleet)
    for day in days:
        assert f"out_at_risk_hosts/day={day}/part-00.parquet" in delivered

    # Yesterday was scored while days of its lookback were still missing; run again, it takes them in.
    run_yesterday_again(airflow, days, times_before=1)
    healed, tickets = published_bytes(fleet), all_tickets(fleet)
    assert healed.keys() >= delivered.keys()
    assert tickets, "yesterday's list is fresh, so it opens tickets"

    # And once more: the whole chain runs, and nothing is different.
    run_yesterday_again(airflow, days, times_before=2)
    assert published_bytes(fleet) == healed
    assert all_tickets(fleet) == tickets

    check_that_a_source_which_is_down_holds_up_nobody(fleet, airflow, days)
    check_that_people_are_asked_and_their_names_kept(fleet, airflow)
    check_that_a_question_nobody_answers_in_time_is_a_no(fleet, airflow)
    check_that_the_check_of_days_names_what_is_wrong_and_sends_the_figures(fleet, airflow)


def check_that_a_source_which_is_down_holds_up_nobody(
    fleet: Fleet, airflow: AirflowServer, days: list[str]
) -> None:
    """Add a log that was delivered the day before and not yesterday: the list comes, and the run is red."""
    log = fleet.settings_path.parent / "logs" / days[-2] / "web-1.log"
    log.parent.mkdir(parents=True)
    log.write_text(f"{days[-2]}T04:05:06Z web-1 kernel: EDAC MC0: 1 CE on DIMM_A1\n", "utf-8")
    with fleet.settings_path.open("a", encoding="utf-8") as settings:
        settings.write('\n[[sources]]\nname = "logs"\nkind = "kernel_log"\npath = "logs"\nlate_days = 0\n')
    run_prefail(fleet.settings_path, "ingest", "--day", days[-2], "--source", "logs")

    started = airflow.trigger("ingest_day", partition_key=days[-1])
    airflow.wait_for(
        "the list of a day with a source down",
        lambda: (
            keys_of_finished_runs(airflow, "ticket_day") == days + [days[-1]] * 3
            and any(run.run_id == started and run.state == "failed" for run in airflow.runs("ingest_day"))
        ),
        may_fail=FAILED_BY_THE_SOURCE,
    )
    assert airflow.states("ingest_day", started) == {
        "list_sources": "success",
        "ingest[drives]": "success",
        "ingest[logs]": "failed",
        "build": "success",
        "check_sources": "failed",
    }
    assert f"1 of 2 sources failed for {days[-1]}: logs. The day was built from the others" in (
        airflow.newest_errors()
    )
    lake = open_settings_lake(load_settings(fleet.settings_path))
    assert read_day_manifest(fleet.yesterday, lake).outages == (
        f"source logs delivered nothing of {days[-1]} (last: {days[-2]}): no component was left out for it",
    )


def run_yesterday_again(airflow: AirflowServer, days: list[str], *, times_before: int) -> None:
    started = airflow.trigger("ingest_day", partition_key=days[-1])
    airflow.wait_for(
        "the chain of one more run",
        lambda: keys_of_finished_runs(airflow, "ticket_day") == days + [days[-1]] * times_before,
    )
    assert any(run.run_id == started and run.run_type == "manual" for run in airflow.runs("ingest_day"))

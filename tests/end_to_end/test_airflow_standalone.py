"""The real scheduler: a back-fill, consumers by asset and key, a day run again, a source down, people asked."""

import datetime as dt
import hashlib
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from airflow_server import BIN, AirflowServer, run_airflow

from pipelines.day_runs import open_settings_lake
from pipelines.day_states import find_plan_record
from pipelines.ledger import read_ledger
from pipelines.proposals import propose_model
from pipelines.published_list import read_day_manifest
from pipelines.registry import champion, save_model
from pipelines.settings import load_settings
from pipelines.tickets.trackers import open_tracker
from tests.models.small_cards import make_model

PROJECT = Path(__file__).parents[2]
TARGET = "drive_fails_30d"
N_HISTORY_DAYS = 45
N_BACKFILLED_DAYS = 3
FAILED_BY_THE_SOURCE = frozenset({"ingest_day.ingest", "ingest_day.check_sources"})


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """A small simulated fleet whose last delivered day is yesterday, so that the schedule finds it."""

    settings_path: Path
    history_days: tuple[dt.date, ...]
    backfilled_days: tuple[dt.date, ...]
    yesterday: dt.date


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
    """Return the digest of every object of the lake; lock files, Data Docs and the seconds of run records aside.

    Great Expectations gives the elements of its pages random ids, so equal verdicts make unequal pages.
    """
    root = fleet.settings_path.parent / "lake"
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file() and not path.name.startswith(".") and not {"data_docs", "runs"} & set(path.parts)
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


def check_that_people_are_asked_and_their_names_kept(fleet: Fleet, airflow: AirflowServer) -> None:
    """Approve more tickets than the team can do, and a model, as the UI does it: over REST."""
    (fleet.settings_path.parent / "policy.yaml").write_text(
        'version: "1"\nname: generous\nbudget: {new_per_day: 7}\n', "utf-8"
    )
    with fleet.settings_path.open("a", encoding="utf-8") as file:
        file.write('\n[tickets]\npolicy = "policy.yaml"\n[approval]\ntickets = true\npromotion = true\n')
    lake = open_settings_lake(load_settings(fleet.settings_path))
    model_id = save_model(*make_model(as_of=fleet.yesterday), lake)
    propose_model(model_id, TARGET, lake, as_of=fleet.yesterday, why="better", comparison=("recall +0.1",))

    asked = {"asof": fleet.yesterday.isoformat()}
    runs = {dag_id: airflow.trigger(dag_id, conf=asked) for dag_id in ("ticket_day", "train_models")}
    airflow.wait_for(
        "the questions",
        lambda: all(airflow.questions(*run) for run in runs.items()),
        may_fail=FAILED_BY_THE_SOURCE,
    )
    subjects = {dag_id: airflow.questions(dag_id, run_id) for dag_id, run_id in runs.items()}
    assert subjects == {
        "ticket_day": [f"Open 2 more tickets of {fleet.yesterday}, beyond the 5 of a day?"],
        "train_models": [f"Make {model_id} the champion of {TARGET}?"],
    }
    assert champion(TARGET, lake) is None
    for dag_id, run_id in runs.items():
        airflow.approve(dag_id, run_id, "ask", 0)
    airflow.wait_for(
        "what was approved",
        lambda: all(
            any(run.run_id == run_id and run.state == "success" for run in airflow.runs(dag_id))
            for dag_id, run_id in runs.items()
        ),
        may_fail=FAILED_BY_THE_SOURCE,
    )
    assert champion(TARGET, lake) == model_id
    who = f"{airflow.user} (in Airflow)"
    assert read_ledger(TARGET, lake)[-1].who == who
    record = find_plan_record(fleet.yesterday, lake)
    assert record is not None
    assert record.approval is not None
    assert (record.approval.who, record.approval.n_approved) == (who, 7)
    settings = load_settings(fleet.settings_path)
    tickets = open_tracker(settings).list_all(settings.environment)
    assert sum(ticket.record.opened_day == fleet.yesterday for ticket in tickets) == 7


def check_that_a_question_nobody_answers_in_time_is_a_no(fleet: Fleet, airflow: AirflowServer) -> None:
    """Let another model wait for ten seconds, as of a day by which too little was known to train one."""
    text = fleet.settings_path.read_text("utf-8")
    fleet.settings_path.write_text(text + "promotion_wait_hours = 0.003\n", "utf-8")
    lake = open_settings_lake(load_settings(fleet.settings_path))
    in_use, day = champion(TARGET, lake), fleet.history_days[9]
    model_id = save_model(*make_model(seed=2, as_of=day), lake)
    propose_model(model_id, TARGET, lake, as_of=day, why="better", comparison=("recall +0.1",))
    asked = airflow.trigger("train_models", conf={"asof": day.isoformat()})
    airflow.wait_for(
        "the time to be over",
        lambda: any(run.run_id == asked and run.state == "success" for run in airflow.runs("train_models")),
        may_fail=FAILED_BY_THE_SOURCE,
    )
    assert airflow.questions("train_models", asked) == [f"Make {model_id} the champion of {TARGET}?"]
    entry = read_ledger(TARGET, lake)[-1]
    assert (entry.event, entry.model_id, entry.who) == ("rejected", model_id, "nobody in time")
    assert champion(TARGET, lake) == in_use


def check_that_the_check_of_days_names_what_is_wrong_and_sends_the_figures(
    fleet: Fleet, airflow: AirflowServer
) -> None:
    """Yesterday's source is still down, so the run is red; the figures go out all the same, from another branch."""
    figures = fleet.settings_path.parent / "prefail.prom"
    with fleet.settings_path.open("a", encoding="utf-8") as file:
        file.write(f'[metrics]\ntextfile = "{figures}"\n')
    airflow.unpause("check_days")
    checked = airflow.trigger("check_days", conf={"asof": fleet.yesterday.isoformat()})
    airflow.wait_for(
        "the check of days",
        lambda: any(run.run_id == checked and run.state == "failed" for run in airflow.runs("check_days")),
        may_fail=FAILED_BY_THE_SOURCE | {"check_days.check"},
    )
    assert airflow.states("check_days", checked) == {
        "look": "success",
        "check": "failed",
        "figures": "success",
    }
    assert (
        f"prefail ingest --day {fleet.yesterday} --source logs, then prefail build" in airflow.newest_errors()
    )
    assert 'prefail_day_check_findings{environment="main",trouble="a source is missing"} 1.0' in (
        figures.read_text("utf-8")
    )


def run_prefail(settings_path: Path, *arguments: str) -> None:
    done = subprocess.run(
        [BIN / "prefail", "--config", settings_path, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def run_yesterday_again(airflow: AirflowServer, days: list[str], *, times_before: int) -> None:
    started = airflow.trigger("ingest_day", partition_key=days[-1])
    airflow.wait_for(
        "the chain of one more run",
        lambda: keys_of_finished_runs(airflow, "ticket_day") == days + [days[-1]] * times_before,
    )
    assert any(run.run_id == started and run.run_type == "manual" for run in airflow.runs("ingest_day"))

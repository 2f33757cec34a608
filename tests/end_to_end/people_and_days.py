"""What a running Airflow asks people, what becomes of no answer, and what its check of days says."""

import sys
from pathlib import Path

from airflow_server import AirflowServer
from scheduled_fleet import FAILED_BY_THE_SOURCE, Fleet

from pipelines.day_runs import open_settings_lake
from pipelines.day_states import find_plan_record
from pipelines.ledger import read_ledger
from pipelines.proposals import propose_model
from pipelines.registry import champion, save_model
from pipelines.settings import load_settings
from pipelines.tickets.trackers import open_tracker

# A small model and its card; training one that passes the gate takes months of days.
sys.path.append(str(Path(__file__).parents[1] / "models"))
from small_cards import make_model

TARGET = "drive_fails_30d"


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
    assert 'prefail_day_check_findings{environment="default",trouble="a source is missing"} 1.0' in (
        figures.read_text("utf-8")
    )

"""`make demo`: run the DAGs themselves over simulated weeks, in one process, without a scheduler.

Not a DAG file (`.airflowignore`). `prefail demo` runs the same steps without Airflow.
"""

import argparse
import datetime as dt
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow.sdk import DAG

DAGS_FOLDER = Path(__file__).parent


def main() -> int:
    """Prepare the demo below the folder, run its days through the DAGs, show what came out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where settings, lake, tickets and Airflow's files go")
    folder = parser.parse_args().folder.absolute()
    prepare_airflow_environment(folder / "airflow")

    # After the environment is set, because the first import of Airflow reads it.
    from pipelines.demo import prepare_demo, print_summary, run_history
    from pipelines.progress import track

    plan = prepare_demo(folder)
    os.environ["PREFAIL_CONFIG"] = str(plan.settings_path)
    run_history(plan)
    dags = load_dags()
    for day in track(plan.run_days, "running mornings in Airflow"):
        run_dag(dags["ingest_day"], day)
        run_dag(dags["score_day"], day)
        run_dag(dags["ticket_day"], day)
    print_summary(plan)
    return 0


def prepare_airflow_environment(home: Path) -> None:
    """Point Airflow at its own folder; only what is set before its first import counts."""
    home.mkdir(parents=True, exist_ok=True)
    os.environ |= {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS_FOLDER),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
        # The steps' facts are shown at the end; a line per task and state would hide them.
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
        # A task that reads what mapped tasks returned finds their end by asking for one more, which is an
        # error to this logger.
        "AIRFLOW__LOGGING__NAMESPACE_LEVELS": "airflow.sdk.api.client=CRITICAL",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
    }


def load_dags() -> dict[str, "DAG"]:
    """Create Airflow's database if there is none, and parse the DAG files once."""
    from airflow.dag_processing.dagbag import BundleDagBag
    from airflow.utils.db import initdb

    initdb()
    bag = BundleDagBag(DAGS_FOLDER, bundle_path=DAGS_FOLDER, bundle_name="dags-folder")
    if bag.import_errors:
        raise SystemExit(f"DAG files that can't be imported: {bag.import_errors}")
    for dag in bag.dags.values():
        # `DAG.test` of Airflow 3.3 can't store a deadline: its second run ends in an SQL error.
        dag.deadline = None
        for task in dag.tasks:
            # Nobody waits five minutes for the second try of a demo: the first error is shown.
            task.retries = 0
    return bag.dags


def run_dag(dag: "DAG", day: dt.date) -> None:
    """Run one DAG for one day; `DAG.test` never raises, so its final state is checked here."""
    # The Data Docs show the last verdicts only: the summary writes them once, at the end.
    run = dag.test(run_conf={"asof": day.isoformat()}, mark_success_pattern=re.compile("data_docs"))
    if run.state != "success":
        failed = sorted({task.task_id for task in run.get_task_instances() if task.state == "failed"})
        raise SystemExit(f"{dag.dag_id} of {day} ended {run.state}; failed tasks: {', '.join(failed)}")


if __name__ == "__main__":
    sys.exit(main())

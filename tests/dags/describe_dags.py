"""Parse the DAG files in this fresh process, as the DAG processor does, and print what they are, as JSON.

Run by the fixture `dags` of this folder. Its own process, so that Airflow's settings and warnings
stay out of the test run, and so that what parsing imports can be seen.
"""

import datetime as dt
import inspect
import json
import logging
import sys
from pathlib import Path

from airflow.dag_processing.dagbag import BundleDagBag

HEAVY = {"great_expectations", "xgboost", "pandas", "pyarrow", "matplotlib", "numpy", "boto3"}


def main(dags_folder: Path) -> None:
    before = HEAVY & set(sys.modules)
    bag = BundleDagBag(dags_folder, bundle_path=dags_folder, bundle_name="dags-folder")
    heavy = sorted((HEAVY & set(sys.modules)) - before)
    print(
        json.dumps(
            {
                "import_errors": bag.import_errors,
                "parsed_files": sorted(Path(path).name for path in bag.file_last_changed),
                "heavy_imports": heavy,
                "heavy_before": sorted(before),
                "retry_answers": retry_answers(),
                "late_messages": late_messages(),
                "parse_seconds": {
                    Path(stat.file).name: stat.duration.total_seconds() for stat in bag.dagbag_stats
                },
                "dags": [describe(dag) for _, dag in sorted(bag.dags.items())],
            }
        )
    )


def describe(dag):
    return {
        "dag_id": dag.dag_id,
        "file": Path(dag.fileloc).name,
        "doc_md": dag.doc_md,
        "tags": sorted(dag.tags),
        "schedule": type(dag.timetable).__name__,
        "schedule_assets": assets_of(dag.timetable),
        "cron": getattr(dag.timetable, "expression", None),
        "run_offset": getattr(dag.timetable, "run_offset", None),
        "key_format": getattr(dag.timetable, "key_format", None),
        "catchup": dag.catchup,
        "max_active_runs": dag.max_active_runs,
        "max_active_tasks": dag.max_active_tasks,
        "is_paused_upon_creation": dag.is_paused_upon_creation,
        "n_deadlines": len(dag.deadline or []),
        "params": sorted(dag.params),
        "display_name": dag.dag_display_name,
        "tasks": [describe_task(task) for task in dag.topological_sort()],
    }


def assets_of(timetable):
    condition = getattr(timetable, "asset_condition", None)
    if condition is None:
        return []
    return sorted(asset.name for asset in getattr(condition, "objects", [condition]))


def describe_task(task):
    return {
        "task_id": task.task_id,
        "display_name": task.task_display_name,
        "owner": task.owner,
        "retries": task.retries,
        "has_retry_policy": task.retry_policy is not None,
        "timeout_hours": task.execution_timeout.total_seconds() / 3600 if task.execution_timeout else None,
        "outlets": sorted(outlet.name for outlet in task.outlets),
        "is_mapped": task.is_mapped,
        "pool": task.pool,
        "pool_slots": task.pool_slots,
        "trigger_rule": str(task.trigger_rule.value),
        "downstream": sorted(task.downstream_task_ids),
        "map_index_template": getattr(task, "map_index_template", None),
    }


def retry_answers():
    from prefail_airflow.on_failure import RETRY_POLICY

    from pipelines import errors

    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, Exception)]
    return {
        kind.__name__: {
            "exit_code": getattr(kind, "exit_code", None),
            "action": RETRY_POLICY.evaluate(kind("a reason"), try_number=1, max_tries=3).action.value,
        }
        for kind in [*kinds, ValueError]
    }


def late_messages():
    """Call the deadline's callback as Airflow does: with its own keywords and the run as JSON."""
    from prefail_airflow.on_failure import alert_when_late, report_late_run

    said = []
    logger = logging.getLogger(report_late_run.__module__)
    logger.addFilter(lambda record: said.append(f"{record.levelname} {record.getMessage()}"))
    logger.setLevel(logging.WARNING)
    callback = alert_when_late(dt.timedelta(hours=3), "core_drive_days").callback
    for run in (
        {"dag_run_id": "scheduled__1", "partition_key": "2026-02-01", "conf": {}},
        {"dag_run_id": "manual__2", "partition_key": None, "conf": {"asof": "2026-02-02"}},
    ):
        report_late_run(**callback.kwargs, context={"dag_run": run})
    return said


if __name__ == "__main__":
    main(Path(sys.argv[1]))

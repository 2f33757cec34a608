"""Each Monday 03:00 (UTC): train a challenger for every target; the gate decides who is champion.

The as-of day is Sunday, the last day that is over: only what was known by its end is used. A
challenger replaces the champion only if it is better on the same folds beyond chance; either way the
model, its card and the decision stay in the registry.

Same by hand: `prefail train --as-of D`.

On failure:
- The champion in use stays in use; the daily list is not held up. There is time until next week.
- "too good" or "knows the future": the leak alarm. Look for a column that is filled in after the fact
  before anything else; do not raise the limit.
- "not enough" failures: the history is too short or the cohort too small for this target.
- Out of memory: lower training.memory_limit_mb or training.negatives_per_positive in prefail.toml.
- To go back to the model before: `prefail rollback`.
"""

import datetime as dt

from airflow.sdk import CronTriggerTimetable, dag, get_current_context, task
from prefail_airflow.asof import as_of_day
from prefail_airflow.on_failure import TASK_DEFAULTS, alert_when_late
from prefail_airflow.steps import open_run
from prefail_airflow.trigger_form import ASOF_PARAM


@dag(
    dag_id="train_models",
    dag_display_name="Train the models",
    # No start date and no immediate run: switched on over an empty lake, it waits for Monday.
    schedule=CronTriggerTimetable("0 3 * * MON", timezone="UTC", run_immediately=dt.timedelta(0)),
    catchup=False,
    max_active_runs=1,
    # Training takes all threads and most of the memory that its settings allow it.
    max_active_tasks=1,
    default_args={**TASK_DEFAULTS, "execution_timeout": dt.timedelta(hours=12)},
    deadline=alert_when_late(dt.timedelta(hours=12), "a challenger for each target"),
    params={"asof": ASOF_PARAM},
    tags=["prefail", "weekly"],
    doc_md=__doc__,
)
def train_models() -> None:
    @task(task_display_name="List the targets")
    def list_targets() -> list[str]:
        from pipelines.targets import list_built_targets

        return list(list_built_targets(*open_run()))

    @task(task_display_name="Train a challenger", map_index_template="{{ target }}")
    def train(target: str) -> str:
        from pipelines.train import train_target

        get_current_context()["target"] = target  # type: ignore[typeddict-unknown-key]
        settings, lake = open_run()
        return train_target(target, as_of_day(), settings, lake, who="train_models in Airflow").summary

    train.expand(target=list_targets())


train_models()

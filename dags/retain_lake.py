"""Each Sunday 04:00 (UTC): delete what is older than `[retain]` says, dataset by dataset.

What `[retain]` does not name is kept forever, save predictions by shard (7 days). The newest
day of a dataset always stays, and so does the list that latest.json names. Stopped half-way, running again
deletes the rest. A list whose inputs are gone can't be verified any more.

Same by hand: `prefail lake retain --dry-run` says what would go, `prefail lake retain` deletes it.

On failure:
- Nothing but space depends on it: lists and tickets go on. What was deleted so far is older than `[retain]`.
- `retain` waiting to retry: the storage is away.
- "This identity may not do that": infra/cloudformation/lake.yaml makes no role for this; there, the bucket's own
  lifecycle does it. Leave `[retain]` out.
"""

import datetime as dt

from airflow.sdk import CronTriggerTimetable, dag, task
from prefail_airflow.asof import as_of_day
from prefail_airflow.on_failure import TASK_DEFAULTS, alert_when_late
from prefail_airflow.steps import end_with, open_run
from prefail_airflow.trigger_form import ASOF_PARAM


@dag(
    dag_id="retain_lake",
    dag_display_name="Delete what is older than it is kept",
    schedule=CronTriggerTimetable("0 4 * * SUN", timezone="UTC", run_immediately=dt.timedelta(0)),
    catchup=False,
    max_active_runs=1,
    max_active_tasks=1,
    default_args=TASK_DEFAULTS,
    deadline=alert_when_late(dt.timedelta(hours=3), "space in the lake"),
    params={"asof": ASOF_PARAM},
    tags=["prefail", "weekly"],
    doc_md=__doc__,
)
def retain_lake() -> None:
    @task(task_display_name="Delete expired days")
    def retain() -> str:
        from pipelines.lake_commands.retention import delete_expired, find_expired

        settings, lake = open_run()
        expired = find_expired(settings.days_kept, as_of_day(), lake)
        for each in expired:
            delete_expired(each, lake)
        said = " ".join(f"{each.dataset}={len(each.days)}" for each in expired)
        return end_with(f"deleted days: {said}", "", lake)

    retain()


retain_lake()

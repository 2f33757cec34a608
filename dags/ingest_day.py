"""Each midnight (UTC): read yesterday from every source, check it, build the component-days.

The head of the chain. One run is one partition, the key is the day. When `build` is done, the asset
core_drive_days of that day starts score_day. To back-fill, back-fill this DAG (Backfills tab, or
`airflow backfill create --dag-id ingest_day --from-date … --to-date …`): the others follow by
themselves, day by day. Any run may be repeated; a day is replaced as a whole. Switched on, it runs
yesterday at once; days that passed while it was off are not caught up: back-fill them, then run the
days after them again, because their features look back over the gap.

Same by hand: `prefail ingest --day D`, `prefail build --day D`.

On failure:
- Nothing of the failed step was published; what was there before is unchanged. Nothing downstream starts.
- The last lines of the task's log say what broke, where the rows at fault are, and the next command.
- "breaks … rules of its contract": look at the quarantined rows, fix the source or its contract in
  data_contracts/, clear the task.
- "has nothing": the source has not delivered that day. Clear the task when it has.
- A task that is waiting to retry met a fault that may pass (storage, network); leave it.
- One source failed, others are fine: clear only that source's task; `build` waits for all.
"""

import datetime as dt

from airflow.sdk import CronPartitionTimetable, dag, get_current_context, task
from prefail_airflow.asof import as_of_day
from prefail_airflow.assets import CORE_DRIVE_DAYS, DAY_KEY_FORMAT
from prefail_airflow.on_failure import TASK_DEFAULTS, alert_when_late
from prefail_airflow.steps import open_run, run_step
from prefail_airflow.trigger_form import ASOF_PARAM


@dag(
    dag_id="ingest_day",
    dag_display_name="Ingest a day",
    # A midnight cron, because a back-fill's --to-date D means D 00:00: a later hour would lose the last day.
    schedule=CronPartitionTimetable("0 0 * * *", timezone="UTC", run_offset=-1, key_format=DAY_KEY_FORMAT),
    start_date=dt.datetime(2013, 1, 1, tzinfo=dt.UTC),
    catchup=False,
    max_active_runs=2,
    max_active_tasks=4,
    default_args=TASK_DEFAULTS,
    deadline=alert_when_late(dt.timedelta(hours=3), "core_drive_days"),
    params={"asof": ASOF_PARAM},
    tags=["prefail", "daily"],
    doc_md=__doc__,
)
def ingest_day() -> None:
    @task(task_display_name="List the sources")
    def list_sources() -> list[str]:
        settings, _ = open_run()
        return [source.name for source in settings.sources]

    @task(task_display_name="Read and check a source", map_index_template="{{ source_name }}")
    def ingest(source_name: str) -> str:
        from pipelines.ingest import ingest_day as ingest_sources_of_day

        get_current_context()["source_name"] = source_name  # type: ignore[typeddict-unknown-key]
        settings, lake = open_run()
        return ingest_sources_of_day(as_of_day(), settings, lake, source_names=[source_name]).summary

    @task(task_display_name="Build the component-days", outlets=[CORE_DRIVE_DAYS])
    def build() -> str:
        from pipelines.build import build_day

        return run_step(build_day)

    ingest.expand(source_name=list_sources()) >> build()


ingest_day()

"""Each midnight (UTC): read yesterday from every source, check it, build the component-days.

The head of the chain. One run is one partition, the key is the day. When `build` is done, the asset
component_days of that day starts score_day. To back-fill, back-fill this DAG (Backfills tab, or
`airflow backfill create --dag-id ingest_day --from-date … --to-date …`): the others follow by
themselves, day by day. Any run may be repeated; a day is replaced as a whole. Switched on, it runs
yesterday at once; days that passed while it was off are not caught up: back-fill them, then run the
days after them again, because their features look back over the gap.

Every source is a task of its own. `build` waits until all of them are done, those that are retried
too, and then runs if any delivered: a source that is down costs the components that only it feeds,
which the list then abstains on, and nothing else. `check_sources` comes last and fails the run, after
the list was set going, where a source failed.

Same by hand: `prefail ingest --day D`, `prefail build --day D`.

On failure:
- `check_sources` is red: its error names the sources that failed and what became of the day. Today's
  list is out, without what they feed. Put the source right, then clear its `ingest` task with its
  downstream tasks: the day is built, scored and published again.
- `ingest` of one source is red: the last lines of its log say what broke, where the rows at fault are,
  and the next command. Nothing of that source was written; what it had delivered before is unchanged.
- "breaks … rules of its contract": look at the quarantined rows, fix the source or its contract in
  data_contracts/, clear the task with its downstream tasks.
- "has nothing": the source has not delivered that day. Clear the task when it has.
- A task that is waiting to retry met a fault that may pass (storage, network); leave it. `build` waits
  for it: half an hour at most.
- All of `ingest` is red: nothing was built, `build` says upstream_failed, and the list before stays.
- `build` is red: nothing of the day goes on. Its log says which contract broke; fix, clear `build`.
"""

import datetime as dt
import logging
from functools import partial

from airflow.sdk import CronPartitionTimetable, TriggerRule, dag, task
from prefail_airflow.asof import as_of_day
from prefail_airflow.assets import COMPONENT_DAYS, DAY_KEY_FORMAT
from prefail_airflow.mapped_tasks import PART_NAME, name_part
from prefail_airflow.on_failure import TASK_DEFAULTS, alert_when_late
from prefail_airflow.source_check import check_sources as check_sources_of_day
from prefail_airflow.steps import end_with, open_run, run_step, say_at_end
from prefail_airflow.trigger_form import ASOF_PARAM

log = logging.getLogger(__name__)


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
    deadline=alert_when_late(dt.timedelta(hours=3), "component_days"),
    params={"asof": ASOF_PARAM},
    tags=["prefail", "daily"],
    doc_md=__doc__,
)
def ingest_day() -> None:
    @task(task_display_name="List the sources", show_return_value_in_logs=False)
    def list_sources() -> list[str]:
        settings, lake = open_run()
        day = as_of_day()
        names = [source.name for source in settings.sources]
        say_at_end(f"sources of {day}: {', '.join(names)}", f"ingested/day={day}/", lake)
        return names

    # Its facts are the last line of the log, so what it returns is not said after them.
    @task(
        task_display_name="Read and check a source",
        map_index_template=PART_NAME,
        show_return_value_in_logs=False,
    )
    def ingest(source_name: str) -> str:
        from pipelines.ingest import ingest_day as ingest_sources_of_day

        name_part(source_name)
        step = partial(ingest_sources_of_day, source_names=[source_name])
        log.info(run_step(step, output="ingested/day={day}/part-" + f"{source_name}.json", part=source_name))
        # Who delivered; a source that failed hands on nothing.
        return source_name

    @task(
        task_display_name="Build the component-days",
        outlets=[COMPONENT_DAYS],
        trigger_rule=TriggerRule.ALL_DONE_MIN_ONE_SUCCESS,
    )
    def build() -> str:
        from pipelines.build import build_day

        return run_step(build_day, output="core_failures/day={day}/part-00.parquet")

    # The only leaf: Airflow takes the state of a run from those, so what failed before must fail it.
    @task(task_display_name="Check that every source delivered", trigger_rule=TriggerRule.ALL_DONE)
    def check_sources(sources: list[str] | None, delivered: list[str], built: str | None) -> str:
        day = as_of_day()
        line = check_sources_of_day(day, sources, list(delivered), is_built=built is not None)
        _, lake = open_run()
        return end_with(line, f"ingested/day={day}/", lake)

    names = list_sources()
    delivered = ingest.expand(source_name=names)
    built = build()
    delivered >> built
    check_sources(names, delivered, built)  # type: ignore[arg-type]  # what they return, once they have run


ingest_day()

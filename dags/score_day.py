"""When a day is built: score every component, compare with the weeks before, publish the at-risk list.

Started by the asset component_days, once a day that ingest_day builds (also when it is back-filled
or repeated). The list becomes visible with the last write of `publish`, so readers see the old one
or the new one. Its asset out_at_risk_hosts starts ticket_day.

The components of a day lie in 16 shards, which are scored in `scoring.n_shard_groups` tasks (prefail.toml; 1
is one task); `gather` ranks them all: the list does not depend on how many there were. Every target whose
components were heard of in the last week is scored. Until a model is promoted, a target's declared rule
scores (`rule:<target>` in the list's model_id, and in words in scored_by). The components of a source that
is down are abstained on ("source_down"), and list and report say which.

Same by hand: `prefail score --day D`, `prefail drift --day D`, `prefail publish --day D`, `prefail data-docs`.

On failure:
- The list that was published last stays as it was, and so do the tickets.
- "not built" or "delivered nothing" in the log of `gather`: a warning, not a failure. The list is out
  without those components; see ingest_day of that day.
- `list_shards`, "have no data of": no component kind was built. Look at `build` of ingest_day.
- `score`, a model that is refused: its file is not what its card says. `prefail rollback`, then clear
  `list_shards` with its downstream tasks.
- One task of `score` is red: clear it; the shards that are done stay. Out of memory: more scoring.n_shard_groups.
- `gather`, "different component-days" or "not scored": clear `list_shards` with its downstream tasks.
- `drift`, "not what the models learned from": the list was withheld, because a signal changed so much that
  risks mean nothing. The log names it, its probable cause, and how to let the list out all the same.
- `publish`, "breaks … rules of its contract": the list was withheld. Look at the verdict that the log names.
- `data_docs`: only the pages about the verdicts are old; the list is out. `prefail data-docs`.
- Keep this DAG unpaused: days that are built while it is paused are not scored later by themselves.
  To catch up, back-fill ingest_day over those days with "reprocess: completed".
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import partial

from airflow.sdk import PartitionedAssetTimetable, dag, task
from prefail_airflow.asof import as_of_day
from prefail_airflow.assets import COMPONENT_DAYS, OUT_AT_RISK_HOSTS
from prefail_airflow.mapped_tasks import PART_NAME, name_part
from prefail_airflow.on_failure import TASK_DEFAULTS, alert_when_late
from prefail_airflow.steps import DATA_DOCS, end_with, open_run, run_step, say_at_end
from prefail_airflow.trigger_form import ASOF_PARAM


@dag(
    dag_id="score_day",
    dag_display_name="Score a day and publish the list",
    schedule=PartitionedAssetTimetable(assets=COMPONENT_DAYS),
    start_date=dt.datetime(2013, 1, 1, tzinfo=dt.UTC),
    catchup=False,
    # Events that arrive while a consumer is paused are lost; it does nothing unless a day is built.
    is_paused_upon_creation=False,
    # One at a time, so that lists come out in the order in which days were built, and tickets follow in it.
    max_active_runs=1,
    # All shards of a day at once, where the executor has room for them.
    max_active_tasks=16,
    default_args=TASK_DEFAULTS,
    deadline=alert_when_late(dt.timedelta(hours=2), "out_at_risk_hosts"),
    params={"asof": ASOF_PARAM},
    tags=["prefail", "daily"],
    doc_md=__doc__,
)
def score_day() -> None:
    @task(task_display_name="List the shards", show_return_value_in_logs=False)
    def list_shards() -> list[dict[str, object]]:
        from pipelines.shard_scoring import list_shard_groups

        settings, lake = open_run()
        day = as_of_day()
        groups = list_shard_groups(day, settings, lake)
        say_at_end(
            f"shards of {day}: {', '.join(group.name for group in groups)}",
            f"scored_shards/day={day}/",
            lake,
        )
        return [group.as_document() for group in groups]

    @task(task_display_name="Score some shards", map_index_template=PART_NAME)
    def score(shards: Mapping[str, object]) -> str:
        from pipelines.shard_scoring import ShardGroup, score_shards

        group = ShardGroup.model_validate(shards)
        name = f"shards {group.name}"
        name_part(name)
        output = "scored_shards/day={day}/part-" + f"{group.name}.parquet"
        return run_step(partial(score_shards, group), output=output, part=name)

    @task(task_display_name="Put the risks together")
    def gather(shards: Sequence[Mapping[str, object]]) -> str:
        from pipelines.shard_scoring import ShardGroup, gather_shards

        groups = [ShardGroup.model_validate(each) for each in shards]
        return run_step(partial(gather_shards, groups), output="out_predictions/day={day}/part-00.parquet")

    @task(task_display_name="Compare with the weeks before")
    def drift() -> str:
        from pipelines.monitoring.drift_gate import check_drift

        return run_step(check_drift, output="monitoring/drift/day={day}.json")

    @task(task_display_name="Publish the at-risk list", outlets=[OUT_AT_RISK_HOSTS])
    def publish() -> str:
        from pipelines.publish import publish_day

        return run_step(publish_day, output="published/at_risk_hosts/day={day}/report.html")

    @task(task_display_name="Write the Data Docs")
    def data_docs() -> str:
        from pipelines.validation import build_data_docs

        _, lake = open_run()
        build_data_docs(lake)
        return end_with(f"wrote the Data Docs after {as_of_day()}", DATA_DOCS, lake)

    shards = list_shards()
    gathered = gather(shards)  # type: ignore[arg-type]  # what it returns, once it has run
    score.expand(shards=shards) >> gathered >> drift() >> publish() >> data_docs()


score_day()

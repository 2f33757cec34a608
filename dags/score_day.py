"""When a day is built: score every component, compare with the weeks before, publish the at-risk list.

Started by the asset component_days, once a day that ingest_day builds (also when it is back-filled
or repeated). The list becomes visible with the last write of `publish`, so readers see the old one
or the new one. Its asset out_at_risk_hosts starts ticket_day.

Every target whose components were heard of in the last week is scored. Until a model is promoted, a
target's declared rule scores (`rule:<target>` in the list's model_id, and in words in scored_by). The
components of a source that is down are abstained on ("source_down"), and list and report say which.

Same by hand: `prefail score --day D`, `prefail drift --day D`, `prefail publish --day D`, `prefail data-docs`.

On failure:
- The list that was published last stays as it was, and so do the tickets.
- "not built" or "delivered nothing" in the log of `score`: a warning, not a failure. The list is out
  without those components; see ingest_day of that day.
- `score`, "have no data of": no component kind was built. Look at `build` of ingest_day.
- `score`, a model that is refused: its file is not what its card says. `prefail rollback`, then clear.
- `drift`, "not what the models learned from": the list was withheld, because a signal changed so much that
  risks mean nothing. The log names it, its probable cause, and how to let the list out all the same.
- `publish`, "breaks … rules of its contract": the list was withheld. Look at the verdict that the log names.
- `data_docs`: only the pages about the verdicts are old; the list is out. `prefail data-docs`.
- Keep this DAG unpaused: days that are built while it is paused are not scored later by themselves.
  To catch up, back-fill ingest_day over those days with "reprocess: completed".
"""

import datetime as dt

from airflow.sdk import PartitionedAssetTimetable, dag, task
from prefail_airflow.asof import as_of_day
from prefail_airflow.assets import COMPONENT_DAYS, OUT_AT_RISK_HOSTS
from prefail_airflow.on_failure import TASK_DEFAULTS, alert_when_late
from prefail_airflow.steps import DATA_DOCS, end_with, open_run, run_step
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
    max_active_tasks=4,
    default_args=TASK_DEFAULTS,
    deadline=alert_when_late(dt.timedelta(hours=2), "out_at_risk_hosts"),
    params={"asof": ASOF_PARAM},
    tags=["prefail", "daily"],
    doc_md=__doc__,
)
def score_day() -> None:
    @task(task_display_name="Score every component")
    def score() -> str:
        from pipelines.score import score_day as score_components_of_day

        return run_step(score_components_of_day, output="out_predictions/day={day}/part-00.parquet")

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

    score() >> drift() >> publish() >> data_docs()


score_day()

"""Each morning 06:00 (UTC): look for days that never fired, fired twice, or are stuck, and say what heals them.

The last 30 days are looked at, as they lie in the lake; nothing is changed. A finding names its day, what
is wrong with it, and the command that heals it; with findings the run is red until they are healed.

Same by hand: `prefail days check --from D --to D`.

On failure:
- `check` is red with a list of days: run the commands that it names, oldest day first, or clear the named
  task in the Airflow UI. Then clear `check`.
- A day that never fired: ingest_day was paused. Back-fill it (Backfills tab of ingest_day).
- A day that is stuck on its tickets: look at ticket_day of that day; the tracker may be away.
- A day that nobody can heal, as its source has lost it: `[[sources]]` without that source, or live with a
  red check until the day is older than 30 days.
"""

import datetime as dt

from airflow.sdk import CronTriggerTimetable, dag, task
from prefail_airflow.asof import as_of_day
from prefail_airflow.on_failure import TASK_DEFAULTS, alert_when_late
from prefail_airflow.steps import end_with, open_run
from prefail_airflow.trigger_form import ASOF_PARAM


@dag(
    dag_id="check_days",
    dag_display_name="Check that no day is missing or stuck",
    # After the day's chain is through, tickets included.
    schedule=CronTriggerTimetable("0 6 * * *", timezone="UTC", run_immediately=dt.timedelta(0)),
    catchup=False,
    max_active_runs=1,
    max_active_tasks=1,
    default_args=TASK_DEFAULTS,
    deadline=alert_when_late(dt.timedelta(hours=2), "the check of the days"),
    params={"asof": ASOF_PARAM},
    tags=["prefail", "daily"],
    doc_md=__doc__,
)
def check_days() -> None:
    @task(task_display_name="Check the last 30 days")
    def check() -> str:
        from pipelines.day_check import N_DAYS, check_days

        settings, lake = open_run()
        last_day = as_of_day()
        checked = check_days(last_day - dt.timedelta(days=N_DAYS - 1), last_day, settings, lake)
        checked.require_whole()
        return end_with(checked.summary, "", lake)

    check()


check_days()

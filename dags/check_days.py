"""Each morning 06:00 (UTC): look for days that never fired, fired twice, or are stuck, and say what heals them.

The last 30 days are looked at, as they lie in the lake; no day is changed. A finding names its day, what
is wrong with it, and the command that heals it; with findings the run is red until they are healed.

Then yesterday's figures go to Prometheus, whatever became of that day: ticket_day, which sends them as soon
as the tickets are done, does not run where a list was withheld, and that is what people have to be told.

Same by hand: `prefail days check`, `prefail metrics --day D --send`.

On failure:
- `check` is red with a list of days: run the commands that it names, oldest day first, or clear the named
  task in the Airflow UI. Then clear `look` with its downstream tasks.
- A day that never fired: ingest_day was paused. Back-fill it (Backfills tab of ingest_day).
- A day that is stuck on its tickets: look at ticket_day of that day; the tracker may be away.
- `look` is red: the lake or a source's files can't be read; the last lines of its log say which.
- `figures`: Prometheus shows the day before. `prefail metrics --day D --send`. Skipped: `[metrics]` names no place.
- A day that nobody can heal, as its source has lost it: `[[sources]]` without that source, or live with a
  red check until the day is older than 30 days.
"""

import datetime as dt

from airflow.sdk import CronTriggerTimetable, TriggerRule, dag, task
from prefail_airflow.asof import as_of_day
from prefail_airflow.on_failure import TASK_DEFAULTS, alert_when_late
from prefail_airflow.steps import end_with, open_run, run_step, send_figures
from prefail_airflow.trigger_form import ASOF_PARAM

RECORD = "monitoring/day_checks/day={day}.json"


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
    @task(task_display_name="Look at the last 30 days")
    def look() -> str:
        from pipelines.day_check import check_last_days

        return run_step(check_last_days, output=RECORD)

    @task(task_display_name="Check that nothing has to be healed")
    def check() -> str:
        from pipelines.day_findings import read_day_check

        _, lake = open_run()
        day = as_of_day()
        checked = read_day_check(day, lake)
        checked.require_whole()
        return end_with(checked.summary, RECORD.format(day=day), lake)

    # Also where the look failed. The other branch makes the run red then.
    @task(task_display_name="Send the day's figures", trigger_rule=TriggerRule.ALL_DONE)
    def figures() -> str:
        return send_figures()

    look() >> [check(), figures()]


check_days()

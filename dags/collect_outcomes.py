"""Each day at 02:00 (UTC): read from the tracker what technicians found, as of yesterday.

Confirmed parts become failures, parts that were replaced on our advice without a confirmation become
uncertain: training and evaluation count them neither as failures nor as healthy. The next training
learns from it; the log names the days whose core_failures changed. Realised precision and lead are
shown in the next list's report and in new tickets.

The tracker is only read. A run brings the last 30 days in line with it, so a missed day needs no
back-fill; running a day again changes nothing.

Same by hand: `prefail outcomes collect --day D`, then `prefail outcomes show`.

On failure:
- The list and the tickets are not affected. What was collected before stays; the next run catches up.
- `collect` waiting to retry: the tracker is away.
- `collect`, "can't be read" or "lacks a right": the log names the ticket or the right; `prefail tickets list --all`
  asks the tracker the same by hand.
- "breaks … rules of its contract": a defect of Prefail; nothing of that day of closing was written.
- Many unknown outcomes: `prefail outcomes show --unmapped`, then say what was found, or add a rule to
  pipelines/tickets/outcomes/text_rules.yaml.
"""

import datetime as dt

from airflow.sdk import CronTriggerTimetable, dag, task
from prefail_airflow.on_failure import TASK_DEFAULTS, alert_when_late
from prefail_airflow.steps import run_step
from prefail_airflow.trigger_form import ASOF_PARAM


@dag(
    dag_id="collect_outcomes",
    dag_display_name="Collect what technicians found",
    # After the day's list is out, and before the training of 03:00.
    schedule=CronTriggerTimetable("0 2 * * *", timezone="UTC", run_immediately=dt.timedelta(0)),
    catchup=False,
    # One at a time: each brings the same days in line.
    max_active_runs=1,
    max_active_tasks=1,
    default_args=TASK_DEFAULTS,
    deadline=alert_when_late(dt.timedelta(hours=3), "raw_outcomes"),
    params={"asof": ASOF_PARAM},
    tags=["prefail", "daily"],
    doc_md=__doc__,
)
def collect_outcomes() -> None:
    @task(task_display_name="Read the closed tickets")
    def collect() -> str:
        from pipelines.collect_outcomes import collect_outcomes_day

        return run_step(collect_outcomes_day, output="realised_rates/day={day}/rates.json")

    collect()


collect_outcomes()

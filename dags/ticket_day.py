"""When a list is published: bring the tickets in line with it.

Started by the asset out_at_risk_hosts, once a day that score_day publishes. Tickets are reconciled, not
sent: running a day again changes nothing, and the list of a day long past is a replay and touches no
ticket. To score days again without any ticket, pause this DAG: lists that come out meanwhile are not
followed later by themselves, the next morning's is.

With `[approval] tickets`, new tickets beyond list.k_per_day, where the ticket policy allows more, wait
under Required Actions. Everything else is done before the question is asked. Who answered is in
plan.json beside the day's list; unanswered, the answer is no.

Same by hand: `prefail plan --day D` shows what would be done, `prefail tickets --day D` does it,
`prefail tickets approve --day D` answers.

On failure:
- The list is out either way, and readers see it.
- `tickets` waiting to retry: the tracker is away. It converges on the next try; nothing is opened twice.
- `tickets`, "is from the future": this machine's clock, or the day asked for, is wrong.
- `tickets`, "two open tickets": the log names both; close one in the tracker, then clear.
- `figures`: Prometheus shows the day before; the list and the tickets are done. `prefail metrics --day D`.
- `ask` is waiting: a person has to answer in the UI. Skipped: there was nothing to ask.
- `carry_out` is red: the answer is kept; clear that task, and the tickets follow.
"""

import datetime as dt
from collections.abc import Mapping
from functools import partial

from airflow.sdk import PartitionedAssetTimetable, TriggerRule, dag, task
from prefail_airflow.approvals import as_arguments, ask_each, read_answer
from prefail_airflow.asof import as_of_day
from prefail_airflow.assets import OUT_AT_RISK_HOSTS
from prefail_airflow.mapped_tasks import PART_NAME, name_part
from prefail_airflow.on_failure import TASK_DEFAULTS, alert_when_late
from prefail_airflow.steps import end_with, open_run, run_step, say_at_end, send_figures, today_utc
from prefail_airflow.trigger_form import ASOF_PARAM

PLAN = "published/at_risk_hosts/day={day}/plan.html"


@dag(
    dag_id="ticket_day",
    dag_display_name="Bring the tickets in line with a day's list",
    schedule=PartitionedAssetTimetable(assets=OUT_AT_RISK_HOSTS),
    start_date=dt.datetime(2013, 1, 1, tzinfo=dt.UTC),
    catchup=False,
    # Events that arrive while a consumer is paused are lost; it does nothing unless a list is published.
    is_paused_upon_creation=False,
    # One at a time: two days at once would both compare themselves with the same open tickets.
    max_active_runs=1,
    max_active_tasks=1,
    default_args=TASK_DEFAULTS,
    # Also the reminder that somebody is asked and has not answered.
    deadline=alert_when_late(dt.timedelta(hours=2), "tickets, or an answer about them"),
    params={"asof": ASOF_PARAM},
    tags=["prefail", "daily"],
    doc_md=__doc__,
)
def ticket_day() -> None:
    @task(task_display_name="Bring the tickets in line")
    def tickets() -> str:
        from pipelines.ticket_step import reconcile_tickets_day

        # Only with today's date can the step tell a replay from this morning.
        return run_step(partial(reconcile_tickets_day, today=today_utc()), output=PLAN)

    @task(task_display_name="See what needs approval", show_return_value_in_logs=False)
    def find_questions() -> list[dict[str, object]]:
        from pipelines.ticket_approval import ask_about_tickets

        settings, lake = open_run()
        day = as_of_day()
        question = ask_about_tickets(day, settings, lake, today_utc())
        asks = "nobody" if question is None else question.subject
        say_at_end(f"asks about the tickets of {day}: {asks}", PLAN.format(day=day), lake)
        return [] if question is None else [as_arguments(question)]

    @task(task_display_name="Carry out the answer", map_index_template=PART_NAME)
    def carry_out(answered: Mapping[str, object]) -> str:
        from pipelines.ticket_approval import decide_tickets_day

        answer = read_answer(answered)
        name_part(answer.summary)
        settings, lake = open_run()
        day = as_of_day()
        n = int(str(answered["about"]))
        facts = decide_tickets_day(day, settings, lake, today_utc(), answer=answer, n_approved=n)
        return end_with(f"{answer.summary}: {facts.summary}", PLAN.format(day=day), lake)

    # Also where the tracker was away: its alert needs the figures. The other branch makes the run red then.
    @task(task_display_name="Send the day's figures", trigger_rule=TriggerRule.ALL_DONE)
    def figures() -> str:
        return send_figures()

    questions = find_questions()
    tickets() >> [questions, figures()]
    asked = ask_each(questions, task_id="ask", task_display_name="Ask about tickets beyond the budget")
    carry_out.expand(answered=asked.output)


ticket_day()

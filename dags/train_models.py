"""Each day 03:00 (UTC): on Mondays train a challenger for every target, else where drift asks for one.

The as-of day is the last day that is over: only what was known by its end is used. Started by hand, it
trains every target. A challenger replaces the champion only if it is better on the same folds beyond
chance; either way the model, its card and the decision stay in the registry.

With `[approval] promotion`, a challenger that passes the gate waits under Required Actions, with its
figures beside the champion's. Who answered is in the ledger; unanswered, the answer is no, and the
champion stays.

Same by hand: `prefail train --as-of D`, then `prefail promote --target T` or `prefail reject --target T`.

On failure:
- The champion in use stays in use; the daily list is not held up. There is time until next week.
- Everything is skipped: no target is due that day.
- "the leak alarm went off": look for a column that is filled in after the fact before anything else; do not
  raise the limit.
- "are needed to learn from", in the log of a green `train`: no failure. The target is too young for a model,
  and its rule goes on scoring.
- "has no data of": the as-of day was not built. Back-fill ingest_day over it, then clear `train`.
- Out of memory: lower training.memory_limit_mb or training.negatives_per_positive in prefail.toml.
- `train` of one target is red: nobody is asked about the others of that day. Put it right and clear it with its
  downstream tasks, or answer for them by hand: `prefail promote --target T`, `prefail reject --target T`.
- `ask` is waiting: a person has to answer in the UI. Skipped: no challenger passed the gate, or none has to ask.
- `settle`, "waits for approval": somebody else has decided meanwhile; the log says how to go on.
- To go back to the model before: `prefail rollback`.
"""

import datetime as dt
from collections.abc import Mapping

from airflow.sdk import CronTriggerTimetable, dag, get_current_context, task
from prefail_airflow.approvals import as_arguments, ask_each, read_answer
from prefail_airflow.asof import as_of_day
from prefail_airflow.mapped_tasks import PART_NAME, name_part
from prefail_airflow.on_failure import TASK_DEFAULTS, alert_when_late
from prefail_airflow.steps import end_with, open_run, say_at_end
from prefail_airflow.trigger_form import ASOF_PARAM


@dag(
    dag_id="train_models",
    dag_display_name="Train the models",
    # No start date and no immediate run: switched on over an empty lake, it waits for the next night.
    schedule=CronTriggerTimetable("0 3 * * *", timezone="UTC", run_immediately=dt.timedelta(0)),
    catchup=False,
    max_active_runs=1,
    # Training takes all threads and most of the memory that its settings allow it.
    max_active_tasks=1,
    default_args={**TASK_DEFAULTS, "execution_timeout": dt.timedelta(hours=12)},
    # Also the reminder that somebody is asked and has not answered.
    deadline=alert_when_late(dt.timedelta(hours=12), "a challenger for each target, or an answer about it"),
    params={"asof": ASOF_PARAM},
    tags=["prefail", "daily"],
    doc_md=__doc__,
)
def train_models() -> None:
    @task(task_display_name="List the targets that are due", show_return_value_in_logs=False)
    def list_targets() -> list[str]:
        from pipelines.training_due import list_due_targets

        is_by_hand = get_current_context()["dag_run"].run_type == "manual"
        settings, lake = open_run()
        as_of = as_of_day()
        due = list(list_due_targets(as_of, settings, lake, is_asked_for=is_by_hand))
        say_at_end(f"targets due as of {as_of}: {', '.join(due) or 'none'}", "registry/", lake)
        return due

    @task(task_display_name="Train a challenger", map_index_template=PART_NAME)
    def train(target: str) -> str:
        from pipelines.run_record import record_seconds
        from pipelines.train import train_target

        name_part(target)
        settings, lake = open_run()
        as_of = as_of_day()
        with record_seconds(f"trained {target}", as_of, lake):
            facts = train_target(target, as_of, settings, lake, who="train_models in Airflow")
        output = f"models/{facts.model_id}/card.json" if facts.model_id else f"registry/{target}/"
        return end_with(facts.summary, output, lake)

    @task(task_display_name="See what needs approval", show_return_value_in_logs=False)
    def find_questions(targets: list[str]) -> list[dict[str, object]]:
        from pipelines.promotion_question import ask_about_models

        settings, lake = open_run()
        as_of = as_of_day()
        questions = ask_about_models(targets, as_of, settings, lake)
        asks = " ".join(question.subject for question in questions) or "nobody"
        say_at_end(f"asks about models as of {as_of}: {asks}", "registry/", lake)
        return [as_arguments(question) for question in questions]

    @task(task_display_name="Write down the answer", map_index_template=PART_NAME)
    def settle(answered: Mapping[str, object]) -> str:
        from pipelines.proposals import settle_proposal

        answer = read_answer(answered)
        name_part(answer.summary)
        _, lake = open_run()
        entry = settle_proposal(str(answered["about"]), answer, lake)
        return end_with(entry.summary, f"registry/{entry.target}/ledger/", lake)

    targets = list_targets()
    questions = find_questions(targets)  # type: ignore[arg-type]  # what it returns, once it has run
    train.expand(target=targets) >> questions
    asked = ask_each(questions, task_id="ask", task_display_name="Ask about a challenger")
    settle.expand(answered=asked.output)


train_models()

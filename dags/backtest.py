"""By hand: score past days as if each were today, and count what the tickets would have caught.

The form asks for a target, the first and the last day, and folds. The span is cut into as many folds, and
for each a model is trained with what was known the day before it; so the days are judged as they would have
been lived through. With 0 folds nothing is trained: the champion is judged, which must not have learned
from these days. Each fold's page (report.md) is linked at the end of its log and in its return value.

Nothing that is in use changes: neither champion nor list nor ticket.

Same by hand: `prefail backtest --target T --from D --to D --folds N`.

On failure:
- "has learned from days up to": start later, or train anew (1 fold or more).
- "has its horizon": the last days are too young to be judged. End earlier.
- "needed to learn from": too few failures were known before the first day. Start later.
- Out of memory: lower training.memory_limit_mb in prefail.toml.
"""

import datetime as dt
from collections.abc import Mapping

from airflow.sdk import dag, get_current_context, task
from prefail_airflow.mapped_tasks import PART_NAME, name_part
from prefail_airflow.on_failure import TASK_DEFAULTS, alert_when_late
from prefail_airflow.steps import end_with, open_run, say_at_end
from prefail_airflow.trigger_form import BACKTEST_PARAMS


@dag(
    dag_id="backtest",
    dag_display_name="Backtest a target",
    schedule=None,
    catchup=False,
    max_active_runs=1,
    # Each fold takes all threads and most of the memory that the settings allow it.
    max_active_tasks=1,
    default_args={**TASK_DEFAULTS, "execution_timeout": dt.timedelta(hours=12)},
    deadline=alert_when_late(dt.timedelta(hours=12), "a backtest that somebody asked for"),
    params=BACKTEST_PARAMS,
    # Nobody waits for a button that does nothing.
    is_paused_upon_creation=False,
    tags=["prefail", "manual"],
    doc_md=__doc__,
)
def backtest() -> None:
    @task(task_display_name="Cut the span into folds", show_return_value_in_logs=False)
    def list_folds() -> list[dict[str, str]]:
        from pipelines.day_span import parse_day, split_span

        asked = get_current_context()["params"]
        spans = split_span(parse_day(asked["from_day"]), parse_day(asked["to_day"]), max(1, asked["folds"]))
        _, lake = open_run()
        said = ", ".join(f"{first} to {last}" for first, last in spans)
        say_at_end(f"folds of {asked['target']}: {said}", "backtests/", lake)
        return [{"first": first.isoformat(), "last": last.isoformat()} for first, last in spans]

    @task(task_display_name="Backtest a fold", map_index_template=PART_NAME)
    def judge(fold: Mapping[str, str]) -> str:
        from pipelines.backtest import backtest_target
        from pipelines.day_span import parse_day

        name_part(f"{fold['first']} to {fold['last']}")
        asked = get_current_context()["params"]
        first = parse_day(fold["first"])
        settings, lake = open_run()
        report = backtest_target(
            asked["target"],
            settings,
            lake,
            first_day=first,
            last_day=parse_day(fold["last"]),
            every_days=asked["every"],
            train_as_of=first - dt.timedelta(days=1) if asked["folds"] else None,
        )
        return end_with(report.summary, f"backtests/{report.backtest_id}/report.md", lake)

    judge.expand(fold=list_folds())


backtest()

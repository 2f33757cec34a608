"""What happens when a task fails or a run is late: who is asked, what is tried again, what is said."""

import datetime as dt
import logging
from collections.abc import Mapping

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule
from airflow.sdk.definitions.callback import SyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

log = logging.getLogger(__name__)

OWNER = "hardware-reliability"

# Our two answers to an error. Anything else is a bug or a killed worker: the plain retries decide.
RETRY_POLICY = ExceptionRetryPolicy(
    rules=[
        RetryRule(
            exception="pipelines.errors.PermanentError",
            action=RetryAction.FAIL,
            reason="The same call will fail again until a person changes something; the log says what.",
        ),
        RetryRule(
            exception="pipelines.errors.TransientError",
            action=RetryAction.RETRY,
            reason="The outside world was not ready; trying again.",
        ),
    ]
)

TASK_DEFAULTS: dict[str, object] = {
    "owner": OWNER,
    # 5, 10 and 20 minutes: three tries span a restart of the storage or of the ticket system.
    "retries": 3,
    "retry_delay": dt.timedelta(minutes=5),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": dt.timedelta(hours=1),
    "retry_policy": RETRY_POLICY,
    # A stuck task would hold its slot for ever; the largest fleet measured needs minutes.
    "execution_timeout": dt.timedelta(hours=2),
}


def alert_when_late(limit: dt.timedelta, what_is_late: str) -> DeadlineAlert:
    """Return an alert for a run that is not done ``limit`` after it was queued."""
    return DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=limit,
        callback=SyncCallback(
            report_late_run,
            kwargs={"what_is_late": what_is_late, "limit_hours": limit.total_seconds() / 3600},
        ),
        name=f"not done after {limit}",
    )


def report_late_run(what_is_late: str, limit_hours: float, context: Mapping[str, object]) -> None:
    """Say at WARNING, once a run, what people wait for. Airflow calls this when the deadline passes."""
    run = context.get("dag_run")
    facts = run if isinstance(run, Mapping) else {}
    conf = facts.get("conf")
    asof = conf.get("asof") if isinstance(conf, Mapping) else None
    log.warning(
        f"run is late: waiting_for={what_is_late} day={facts.get('partition_key') or asof} "
        f"limit_hours={limit_hours:g} run={facts.get('dag_run_id')}"
    )

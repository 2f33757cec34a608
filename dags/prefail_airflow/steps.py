"""Run one public step of the pipelines for the day of the running task."""

import datetime as dt
import logging
import os
from typing import TYPE_CHECKING, Protocol

from prefail_airflow.asof import as_of_day

if TYPE_CHECKING:
    from pipelines.lake import Lake
    from pipelines.settings import Settings
    from pipelines.step_facts import StepFacts

log = logging.getLogger(__name__)

DATA_DOCS = "data_docs/index.html"


class Step(Protocol):
    """A ``<verb>_day`` function; the command line calls the same one."""

    def __call__(self, day: dt.date, settings: "Settings", lake: "Lake", /) -> "StepFacts": ...


def run_step(step: Step, *, output: str, part: str | None = None) -> str:
    """Run ``step`` with this machine's settings, and record it; its line of facts is all that goes to XCom.

    ``output`` is the key of what it writes; ``{day}`` in it is the as-of day. ``part`` names what this task does
    of the step: its seconds are told apart from those of the others.
    """
    # Inside, not on top: the DAG processor parses these files every minute and pyarrow is not free.
    from pipelines.run_record import run_recorded

    settings, lake = open_run()
    day = as_of_day()
    return end_with(run_recorded(step, day, settings, lake, part=part).summary, output.format(day=day), lake)


def send_figures() -> str:
    """Bring the as-of day's figures to Prometheus; the task is skipped where ``[metrics]`` names no place."""
    from airflow.sdk.exceptions import AirflowSkipException

    from pipelines.monitoring.send_figures import send_figures_day

    settings, _ = open_run()
    if settings.metrics.textfile is None and settings.metrics.pushgateway is None:
        raise AirflowSkipException("[metrics] names neither a textfile nor a pushgateway")
    return run_step(send_figures_day, output="monitoring/runs/day={day}/")


def end_with(line: str, output: str, lake: "Lake") -> str:
    """Return the line that a task's log ends with: its facts, where its output lies, and the Data Docs.

    Airflow logs what a task returns as the last thing it says of it.
    """
    return f"{line} | output: {lake.store.uri(output)} | Data Docs: {lake.store.uri(DATA_DOCS)}"


def say_at_end(line: str, output: str, lake: "Lake") -> None:
    """Log the line that :func:`end_with` makes, where what the task returns is for the next task.

    Such a task has ``show_return_value_in_logs=False``, so that nothing of it follows.
    """
    log.info(end_with(line, output, lake))


def today_utc() -> dt.date:
    """Return the one clock of the chain: only to tell a replay from this morning."""
    return dt.datetime.now(dt.UTC).date()


def open_run() -> tuple["Settings", "Lake"]:
    """Read ``prefail.toml`` (``PREFAIL_CONFIG``) and open the lake that it names; a newer release's is refused."""
    from pipelines.day_runs import open_settings_lake

    settings = read_run_settings()
    return settings, open_settings_lake(settings)


def read_run_settings() -> "Settings":
    """Return the settings with the credentials of Airflow's connections; nothing is opened."""
    from pipelines.settings import load_settings

    settings = load_settings()
    if settings.lake.airflow_connection is not None:
        settings = _take_connection(settings, settings.lake.airflow_connection)
    if settings.tickets.airflow_connection is not None:
        _export_tracker_connection(settings.tickets.airflow_connection)
    return settings


def _take_connection(settings: "Settings", name: str) -> "Settings":
    """Return the settings with an Airflow connection's credentials; Airflow masks them in its logs."""
    from airflow.sdk import Connection

    from pipelines.connection import with_connection

    connection = Connection.get(name)
    return with_connection(
        settings, key_id=connection.login, secret=connection.password, extra=connection.extra_dejson
    )


def _export_tracker_connection(name: str) -> None:
    """Put an Airflow connection where trackers look; a password without a login is a token."""
    from airflow.sdk import Connection

    connection = Connection.get(name)
    secret = "PASSWORD" if connection.login else "TOKEN"
    values = {"USER": connection.login, secret: connection.password, **_token_of(connection.extra_dejson)}
    # This process runs one task and ends; a child of it needs the same credentials.
    os.environ |= {f"PREFAIL_TRACKER_{field}": value for field, value in values.items() if value}


def _token_of(extra: dict[str, str]) -> dict[str, str]:
    return {"TOKEN": extra["token"]} if "token" in extra else {}

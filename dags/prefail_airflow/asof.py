"""Which day a run is about."""

import datetime as dt
from collections.abc import Mapping

from pipelines.errors import PermanentError


def as_of_day() -> dt.date:
    """Return the as-of day of the running task's DAG run."""
    from airflow.sdk import get_current_context

    context = get_current_context()
    run = context["dag_run"]
    return decide_as_of_day(
        partition_key=run.partition_key,
        conf=run.conf or {},
        ds=context.get("ds"),
        due=run.run_after,
    )


def decide_as_of_day(
    *, partition_key: str | None, conf: Mapping[str, object], ds: str | None, due: dt.datetime
) -> dt.date:
    """Return the partition's day, else ``conf["asof"]``, else the run's own date ``ds``.

    A partition key or ``asof`` is a day that somebody named: it is taken as it stands. ``ds`` is
    the day *of the run* under Airflow 3's cron and the moment of the click for a manual run, and
    that day is not over: half of it would be read as a full day, and a failure of tonight as
    health. So where ``ds`` was not over when the run was ``due``, the day before it is meant.

    Raises ``PermanentError`` where the run names no day, or something that is not a day.
    """
    asof = conf.get("asof")
    for place, text in (("partition_key", partition_key), ('conf["asof"]', asof)):
        if text:
            return _parse_day(place, text)
    if ds is None:
        raise PermanentError(
            "This run names no day: it has no partition key, no conf asof and no logical date. Nothing was "
            "run. Trigger it with the field 'As-of day' filled, or: "
            """airflow dags trigger DAG --conf '{"asof": "2026-02-01"}'"""
        )
    day = _parse_day("ds", ds)
    return min(day, due.astimezone(dt.UTC).date() - dt.timedelta(days=1))


def _parse_day(place: str, text: object) -> dt.date:
    try:
        return dt.date.fromisoformat(str(text))
    except ValueError as wrong:
        raise PermanentError(
            f"{place} = {text!r} is not a day; nothing was run. Write it as 2026-02-01.",
            place=place,
            text=text,
        ) from wrong

"""What a log line is new against: the month before, as it was known that evening."""

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pytest

from features.component_kinds import load_component_kind
from pipelines.build import build_day
from pipelines.changed_inputs import find_changed_days, reopen_days
from pipelines.earlier_values import LEAST_DAYS, NOVELTY_DAYS, read_earlier_values
from pipelines.ingest import ingest_day
from pipelines.lake import Lake
from pipelines.settings import Settings, SourceSettings
from tests.steps.hand_made_sources import write_journal

DAY = dt.date(2026, 3, 31)
KEY = ("raw_hw_events", "template_id")
SETTINGS = Settings(
    sources=(SourceSettings.model_validate({"name": "logs", "kind": "kernel_log", "path": "logs"}),)
)


def events(*rows: tuple[str, int], known_on: dt.date) -> pa.Table:
    noon = dt.datetime.combine(known_on, dt.time(12), dt.UTC)
    return pa.table(
        {
            "host_id": [host for host, _ in rows],
            "template_id": pa.array([template for _, template in rows], pa.uint64()),
            "known_at": pa.array([noon] * len(rows), pa.timestamp("us", tz="UTC")),
        }
    )


def deliver(lake: Lake, back: int, *rows: tuple[str, int], known_on: dt.date | None = None) -> None:
    at = DAY - dt.timedelta(days=back)
    lake.write_day("raw_hw_events", at, events(*rows, known_on=known_on or at), part="logs")


def read(lake: Lake) -> set[tuple[str | None, int | None]]:
    today = {"raw_hw_events": events(("web-1", 1), ("web-1", 2), known_on=DAY)}
    found = read_earlier_values(load_component_kind("host"), DAY, today, SETTINGS, lake)
    return {(row["host_id"], row["value"]) for row in found[KEY].to_pylist()} if found else set()


@pytest.fixture
def quiet_week(lake: Lake) -> Lake:
    for back in range(2, LEAST_DAYS + 1):
        deliver(lake, back, ("web-9", 9))
    return lake


def test_only_hosts_and_values_of_the_day_are_kept(quiet_week: Lake) -> None:
    deliver(quiet_week, 1, ("web-1", 1), ("web-1", 1), ("web-2", 2), ("web-2", 7))
    assert read(quiet_week) == {("web-1", 1), ("web-1", None), (None, 1), (None, 2)}


def test_with_less_than_a_week_nothing_can_be_called_new(quiet_week: Lake) -> None:
    assert read(quiet_week) == set()


def test_a_month_ends_where_it_ends_and_the_day_itself_is_no_past(quiet_week: Lake) -> None:
    deliver(quiet_week, NOVELTY_DAYS, ("web-1", 1))
    deliver(quiet_week, NOVELTY_DAYS + 1, ("web-1", 2))
    deliver(quiet_week, 0, ("web-1", 2))
    assert read(quiet_week) == {("web-1", 1), ("web-1", None), (None, 1)}


@pytest.mark.parametrize("days_late", [1, 2])
def test_what_was_not_known_before_the_day_began_was_not_seen(quiet_week: Lake, days_late: int) -> None:
    deliver(quiet_week, 1, ("web-1", 1), known_on=DAY + dt.timedelta(days=days_late - 1))
    today = {"raw_hw_events": events(("web-1", 1), known_on=DAY)}
    found = read_earlier_values(load_component_kind("host"), DAY, today, SETTINGS, quiet_week)
    assert found[KEY].num_rows == 0


def test_a_day_made_again_after_a_late_file_has_the_same_bytes_and_later_days_stay(
    lake: Lake, tmp_path: Path
) -> None:
    settings = SETTINGS.model_copy(update={"base_folder": tmp_path})
    days = [DAY - dt.timedelta(days=back) for back in range(LEAST_DAYS + 1, -1, -1)]
    for day in days:
        said = "a line that nobody wrote before" if day == DAY else "a line of every day"
        write_journal(tmp_path / "logs", day, "web-1", said)
        ingest_day(day, settings, lake)
        build_day(day, settings, lake)
    assert lake.read_day("core_host_days", DAY)["new_templates_fleet"].to_pylist() == [1.0]
    before = {day: lake.digest_day("core_host_days", day) for day in days}
    yesterday = days[-2]
    said = "a line that nobody wrote before"
    write_journal(tmp_path / "logs", yesterday, "late", said, delivered=DAY)
    reopened = [facts.day for facts in reopen_days(find_changed_days(settings, lake).changes, settings, lake)]
    assert yesterday in reopened
    for day in (yesterday, DAY):
        build_day(day, settings, lake)
    after = {day: lake.digest_day("core_host_days", day) for day in days}
    assert {day for day in days if before[day] != after[day]} == {yesterday}

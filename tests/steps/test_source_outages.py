"""A source that is down costs its own hosts' components their row, and nobody else anything."""

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pytest

from pipelines.build import build_day
from pipelines.changed_inputs import find_changed_days, reopen_days
from pipelines.errors import MissingInputError, PrefailError
from pipelines.ingest import ingest_day
from pipelines.lake import Lake
from pipelines.outage_reach import mark_fed
from pipelines.score import score_day
from pipelines.settings import Settings, SourceSettings
from pipelines.source_outages import SourceOutage, find_outages
from tests.steps.hand_made_sources import CE, CMDB, settings_of, write_inventory, write_journal

FIRST = dt.date(2026, 2, 1)
SECOND = FIRST + dt.timedelta(days=1)


def write_log(folder: Path, day: dt.date, host: str, *messages: str) -> None:
    """Write a journal in which ``host`` says something, and ``messages``; a log source of each folder reads it."""
    write_journal(folder, day, host, f"something of {host}", *messages)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return two sites, each with a log source of its own and one host of two modules."""
    rows = []
    for host in ("ams-1", "fra-1"):
        rows += [f"{host},host,{host},,R740"]
        rows += [f"{host}-S{number},dimm,{host},DIMM_A{number},M393" for number in (1, 2)]
    write_inventory(tmp_path, rows)
    for day in (FIRST, SECOND):
        write_log(tmp_path / "ams", day, "ams-1")
    write_log(tmp_path / "fra", FIRST, "fra-1", CE)
    return settings_of(
        tmp_path,
        {"name": "ams", "kind": "kernel_log", "path": "ams"},
        {"name": "fra", "kind": "kernel_log", "path": "fra"},
        CMDB,
    )


def ingest(day: dt.date, settings: Settings, lake: Lake) -> None:
    """Ingest each source as its own task does: one that fails leaves the others alone."""
    for source in settings.sources:
        try:
            ingest_day(day, settings, lake, source_names=[source.name])
        except PrefailError:
            if source.name != "fra":  # the one that is down
                raise


def modules(lake: Lake, day: dt.date) -> dict[str, float]:
    rows = lake.read_day("core_dimm_days", day).to_pylist()
    return {row["component_id"]: row["corrected_errors"] for row in rows}


def test_components_of_hosts_that_only_a_silent_source_fed_are_left_out(
    settings: Settings, lake: Lake
) -> None:
    for day in (FIRST, SECOND):
        ingest(day, settings, lake)
        build_day(day, settings, lake)
    assert modules(lake, FIRST) == {"ams-1-S1": 0.0, "ams-1-S2": 0.0, "fra-1-S1": 3.0, "fra-1-S2": 0.0}
    assert modules(lake, SECOND) == {"ams-1-S1": 0.0, "ams-1-S2": 0.0}
    assert find_outages(FIRST, settings, lake) == ()
    outage = SourceOutage(source="fra", kind="kernel_log", datasets=("raw_hw_events",), last_day=FIRST)
    assert find_outages(SECOND, settings, lake) == (outage,)
    assert find_outages(FIRST + dt.timedelta(days=7), settings, lake)[1].last_day == FIRST
    assert "fra" not in {each.source for each in find_outages(FIRST + dt.timedelta(days=8), settings, lake)}


def test_a_source_that_is_silent_for_days_fed_the_hosts_of_its_last_week_of_events(
    two_views: Settings, lake: Lake
) -> None:
    """The board's log has nothing to say on its last good day."""
    ingest(FIRST, two_views, lake)
    write_log(two_views.base_folder / "board", SECOND, "web-3")
    ingest(SECOND, two_views, lake)
    third = SECOND + dt.timedelta(days=1)
    (outage,) = (each for each in find_outages(third, two_views, lake) if each.source == "fra")
    assert (outage.last_day, outage.datasets) == (SECOND, ("raw_hw_events",))
    hosts = pa.table({"component_id": ["S1", "S2"], "host_id": ["web-2", "web-9"]})
    assert mark_fed("dimm", hosts, [outage], lake).to_pylist() == [True, False]


def test_a_late_log_builds_anew_just_the_day_it_touches(settings: Settings, lake: Lake) -> None:
    for day in (FIRST, SECOND):
        ingest(day, settings, lake)
        build_day(day, settings, lake)
    datasets = ("core_dimm_days", "core_failures")
    before = {(name, day): lake.digest_day(name, day) for name in datasets for day in (FIRST, SECOND)}
    write_log(settings.base_folder / "ams", SECOND, "ams-1", CE)
    found = find_changed_days(settings, lake)
    assert [(change.day, change.source) for change in found.changes] == [(SECOND, "ams")]
    reopened = [facts.day for facts in reopen_days(found.changes, settings, lake)]
    assert reopened == [SECOND]
    for day in reopened:
        build_day(day, settings, lake)
    after = {key: lake.digest_day(*key) for key in before}
    assert {key for key in before if before[key] != after[key]} == {("core_dimm_days", SECOND)}
    assert modules(lake, SECOND)["ams-1-S1"] == 3.0


def test_a_late_repair_record_builds_anew_just_the_failures_of_its_day(
    settings: Settings, lake: Lake, tmp_path: Path
) -> None:
    path = tmp_path / "repairs.csv"
    path.write_text("component_id,component_kind,host_id,failed_at\n", "utf-8")
    repairs = SourceSettings.model_validate({"name": "repairs", "kind": "failure_records", "path": path.name})
    settings = settings.model_copy(update={"sources": (*settings.sources, repairs)})
    for day in (FIRST, SECOND):
        ingest(day, settings, lake)
        build_day(day, settings, lake)
    datasets = ("core_dimm_days", "core_failures")
    before = {(name, day): lake.digest_day(name, day) for name in datasets for day in (FIRST, SECOND)}
    with path.open("a") as stream:
        stream.write(f"ams-1-S2,dimm,ams-1,{FIRST}\n")
    found = find_changed_days(settings, lake)
    assert [(change.day, change.source) for change in found.changes] == [(FIRST, "repairs")]
    for facts in reopen_days(found.changes, settings, lake):
        build_day(facts.day, settings, lake)
    after = {key: lake.digest_day(*key) for key in before}
    assert {key for key in before if before[key] != after[key]} == {("core_failures", FIRST)}
    assert lake.read_day("core_failures", FIRST)["component_id"].to_pylist() == ["ams-1-S2"]


def test_a_day_of_which_nothing_can_be_built_is_an_error_that_says_what_to_run(
    settings: Settings, lake: Lake
) -> None:
    with pytest.raises(
        MissingInputError, match=r"Nothing was written\. Run: prefail ingest --day 2026-02-01"
    ):
        build_day(FIRST, settings, lake)
    assert lake.list_days("core_failures") == []


@pytest.fixture
def two_views(tmp_path: Path) -> Settings:
    """Return one site that a kernel log and a board's log speak of; only the latter knows memory of web-2."""
    hosts = ("web-1", "web-2", "web-3")
    write_inventory(tmp_path, [f"{host}-S1,dimm,{host},DIMM_A1,M393" for host in hosts])
    for day in (FIRST, SECOND):
        for host in hosts:
            write_log(tmp_path / "kernel", day, host, *((CE,) if host == "web-1" and day == FIRST else ()))
    for host in ("web-1", "web-2"):
        write_log(tmp_path / "board", FIRST, host, CE)
    return settings_of(
        tmp_path,
        {"name": "kernel", "kind": "kernel_log", "path": "kernel"},
        {"name": "fra", "kind": "kernel_log", "path": "board"},
        CMDB,
    )


def test_what_only_a_silent_source_said_of_a_host_is_unknown_and_not_zero(
    two_views: Settings, lake: Lake
) -> None:
    for day in (FIRST, SECOND):
        ingest(day, two_views, lake)
        build_day(day, two_views, lake)
    assert modules(lake, FIRST) == {"web-1-S1": 3.0, "web-2-S1": 3.0, "web-3-S1": 0.0}
    # web-1's kernel would have said it, web-3's board never said anything, web-2's module is left out.
    assert modules(lake, SECOND) == {"web-1-S1": 0.0, "web-3-S1": 0.0}
    hosts = {row["component_id"]: row for row in lake.read_day("core_host_days", SECOND).to_pylist()}
    assert {host: row["memory_corrected_events"] for host, row in hosts.items()} == {
        "web-1": 0.0,
        "web-2": None,
        "web-3": 0.0,
    }
    score_day(SECOND, two_views.model_copy(update={"targets": ("dimm_fails_30d",)}), lake)
    predictions = lake.read_day("out_predictions", SECOND).to_pylist()
    reasons = {row["component_id"]: row["abstention_reason"] for row in predictions}
    assert {part for part, reason in reasons.items() if reason == "source_down"} == {"web-2-S1"}
    digest = lake.digest_day("core_dimm_days", SECOND)
    build_day(SECOND, two_views, lake)
    assert lake.digest_day("core_dimm_days", SECOND) == digest

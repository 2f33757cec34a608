"""What ``prefail tickets list|show|resolve`` hand to the command line."""

from pathlib import Path

import pytest
from hand_made_fleet import DAY, day_after, make_entry, write_fleet_day

from pipelines.errors import PermanentError
from pipelines.lake import Lake
from pipelines.published_list import (
    MANIFEST_FILE,
    ContractVersion,
    InputPartition,
    Manifest,
    PublishedFile,
    UsedModel,
    digest,
    write_day_copies,
    write_edition,
)
from pipelines.settings import Settings
from pipelines.ticket_commands import list_tickets, resolve_ticket, show_ticket, snooze_ticket
from pipelines.ticket_step import reconcile_tickets_day
from pipelines.tickets.tracker import Outcome

FILES = {"list.csv": b"rank", "report.html": b"<!doctype html>"}
INPUT = InputPartition(key="core_drive_days/day=2026-12-01/part-00.parquet", sha256="a" * 64)
PREDICTIONS = InputPartition(key="out_predictions/day=2026-12-01/part-00.parquet", sha256="b" * 64)
MODEL = UsedModel(
    target="drive_fails_30d", target_sha256="c" * 64, model_id="drive_fails_30d-0a1b2c3d", sha256="d" * 64
)
CONTRACT = ContractVersion(dataset="out_at_risk_hosts", version="1.0.0", sha256="e" * 64)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.model_validate({"base_folder": tmp_path, "list": {"k_per_day": 3}})


def publish(lake: Lake, code_version: str = "0.1.0") -> Manifest:
    manifest = Manifest(
        day=DAY,
        environment="default",
        list_length=20,
        minimum_risk=0.02,
        code_version=code_version,
        settings_sha256="f" * 64,
        models=(MODEL,),
        contracts=(CONTRACT,),
        inputs=(INPUT,),
        predictions=PREDICTIONS,
        files=tuple(
            PublishedFile(name=name, sha256=digest(data), size_bytes=len(data))
            for name, data in FILES.items()
        ),
        n_scored=1,
        n_abstained=0,
        n_listed=1,
    )
    write_edition(manifest, FILES, lake)
    write_day_copies(manifest, FILES, lake)
    return manifest


def test_a_ticket_is_explained_by_the_edition_that_opened_it_even_if_the_day_is_published_again(
    settings: Settings, lake: Lake
) -> None:
    write_fleet_day(lake, DAY, [make_entry()])
    manifest = publish(lake)
    reconcile_tickets_day(DAY, settings, lake, DAY)
    publish(lake, code_version="0.2.0")
    reconcile_tickets_day(DAY, settings, lake, DAY)
    explanation = show_ticket("1", settings, lake).explanation
    assert explanation.manifest_key == manifest.folder + MANIFEST_FILE
    assert explanation.key == "default/host-0421/ZA1/drive_fails_30d"
    assert (explanation.opened_day, explanation.model_id) == (DAY, MODEL.model_id)
    assert explanation.code_version == "0.1.0"
    assert explanation.models == (MODEL,)
    assert explanation.contracts == (CONTRACT,)
    assert explanation.inputs == (INPUT, PREDICTIONS)
    assert explanation.gap is None


def test_what_can_not_be_explained_says_why(settings: Settings, lake: Lake) -> None:
    write_fleet_day(lake, DAY, [make_entry()])
    reconcile_tickets_day(DAY, settings, lake, DAY)
    assert show_ticket("1", settings, lake).explanation.gap == (
        "the list of 2026-12-01 was not published in an edition"
    )


def test_an_edition_that_is_no_longer_there_leaves_model_and_day(settings: Settings, lake: Lake) -> None:
    write_fleet_day(lake, DAY, [make_entry()])
    manifest = publish(lake)
    reconcile_tickets_day(DAY, settings, lake, DAY)
    lake.store.delete(manifest.folder + MANIFEST_FILE)
    explanation = show_ticket("1", settings, lake).explanation
    assert explanation.model_id == MODEL.model_id
    assert explanation.gap is not None
    assert "does not exist" in explanation.gap
    assert explanation.inputs == ()


def test_tickets_are_listed_open_first_then_by_due_day(settings: Settings, lake: Lake) -> None:
    entries = [
        make_entry("ZA1", rank=1, slot="1", due_day=day_after(9)),
        make_entry("ZA2", rank=2, slot="2", due_day=day_after(5)),
        make_entry("ZA3", rank=3, slot="3", due_day=day_after(3)),
    ]
    write_fleet_day(lake, DAY, entries)
    reconcile_tickets_day(DAY, settings, lake, DAY)
    resolve_ticket("3", "confirmed", "", settings, lake, DAY)
    assert [ticket.ticket_id for ticket in list_tickets(settings)] == ["2", "1"]
    assert [ticket.ticket_id for ticket in list_tickets(settings, include_closed=True)] == ["2", "1", "3"]


def test_a_resolution_is_kept_with_its_note_and_day(settings: Settings, lake: Lake) -> None:
    write_fleet_day(lake, DAY, [make_entry()])
    reconcile_tickets_day(DAY, settings, lake, DAY)
    ticket = resolve_ticket("1", "no_fault_found", "ran a long test", settings, lake, day_after(2))
    assert (ticket.is_open, ticket.outcome, ticket.closed_day) == (
        False,
        Outcome.NO_FAULT_FOUND,
        day_after(2),
    )
    view = show_ticket("1", settings, lake)
    assert view.ticket == ticket
    assert [said.text for said in view.history] == ["Opened.", "Closed as no_fault_found. ran a long test"]


def test_under_a_simulated_clock_a_visit_is_on_the_day_that_the_tickets_follow(
    tmp_path: Path, lake: Lake
) -> None:
    settings = Settings.model_validate({"base_folder": tmp_path, "tickets": {"is_simulated_clock": True}})
    write_fleet_day(lake, DAY, [make_entry()])
    reconcile_tickets_day(DAY, settings, lake, DAY)
    assert resolve_ticket("1", "confirmed", "", settings, lake, day_after(500)).closed_day == DAY


@pytest.mark.parametrize("outcome", ["left_list", "replaced", "fixed", ""])
def test_only_what_a_technician_can_find_is_taken(settings: Settings, lake: Lake, outcome: str) -> None:
    write_fleet_day(lake, DAY, [make_entry()])
    reconcile_tickets_day(DAY, settings, lake, DAY)
    with pytest.raises(PermanentError, match=r"is no outcome of a visit; valid: confirmed.*was not changed"):
        resolve_ticket("1", outcome, "", settings, lake, DAY)
    assert show_ticket("1", settings, lake).ticket.is_open


def test_a_snoozed_ticket_wakes_on_its_day(settings: Settings, lake: Lake) -> None:
    write_fleet_day(lake, DAY, [make_entry()])
    reconcile_tickets_day(DAY, settings, lake, DAY)
    snooze_ticket("1", day_after(2), settings, lake, DAY)
    for n_days, commented in ((1, 0), (2, 1)):
        write_fleet_day(lake, day_after(n_days), [make_entry(risk=0.9)])
        facts = reconcile_tickets_day(day_after(n_days), settings, lake, day_after(n_days))
        assert facts.fact("commented") == commented

"""``prefail outcomes`` and ``prefail tickets show`` over a real desk, from the command line."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest
from closed_tickets import Floor
from hand_made_fleet import DAY, day_after

from data_contracts.loader import load_contract
from pipelines.cli import main
from pipelines.lake import Lake
from pipelines.object_store import FolderStore
from pipelines.tickets.outcomes.archive import read_outcomes
from pipelines.tickets.outcomes.outcome_row import OutcomeRow, table_of
from pipelines.tickets.tracker import Draft, Outcome
from pipelines.tickets.trackers.desk import Desk
from pipelines.validation.blocking import blocked_error
from pipelines.verdicts import Verdict, VerdictWord


@pytest.fixture
def config(tmp_path: Path) -> str:
    """A desk with three tickets: resolved as confirmed, closed by us, and open."""
    path = tmp_path / "prefail.toml"
    path.write_text(
        '[lake]\nroot = "lake"\n[tickets]\ndesk_path = "desk.sqlite"\nis_simulated_clock = true\n', "utf-8"
    )
    floor = Floor(Lake(FolderStore(tmp_path / "lake")))
    desk = Desk(str(tmp_path / "desk.sqlite"))
    for name in ("ZA1", "ZA2", "ZA3"):
        ticket = floor.tracker.get(floor.open(name))
        desk.create(Draft(title=ticket.title, body=ticket.body, record=ticket.record))
    floor.lake.write_json("tickets/default/last_day.json", {"day": day_after(4).isoformat()})
    desk.close("2", outcome=Outcome.LEFT_LIST, day=day_after(4), note="not on any list since 2026-12-02")
    return str(path)


def lake_of(config: str) -> Lake:
    return Lake(FolderStore(Path(config).parent / "lake"))


def only_row(config: str) -> OutcomeRow:
    (rows,) = read_outcomes(lake_of(config), dt.date.min).values()
    (row,) = rows
    return row


def run(config: str, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["--config", config, *arguments]) == 0
    return capsys.readouterr().out


def test_a_resolution_at_the_desk_is_collected_shown_and_counted(
    config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "No outcome was collected yet" in run(config, capsys, "outcomes", "show")
    run(config, capsys, "tickets", "resolve", "1", "--outcome", "confirmed", "--note", "self-test failed")
    shown = run(config, capsys, "tickets", "show", "1")
    closed_on = shown.split("prefail outcomes collect --day ")[1].splitlines()[0]
    assert f"confirmed, not collected yet: prefail outcomes collect --day {closed_on}" in shown

    collected = run(config, capsys, "outcomes", "collect", "--day", closed_on)
    assert f"collected outcomes {closed_on}: looked_at=2" in collected
    assert (
        "confirmed=1 no_fault_found=0 reseated=0 firmware=0 declined=0 replaced_unconfirmed=0 unknown=1"
        in collected
    )
    assert f"failure_days_changed={closed_on}" in collected

    shown = run(config, capsys, "tickets", "show", "1")
    assert f"part changed on {closed_on}, decided by field, known from" in shown
    assert "none yet, the ticket is open" in run(config, capsys, "tickets", "show", "3")

    table = run(config, capsys, "outcomes", "show")
    assert f"to {closed_on}" in table
    assert "21% to 100%" in table
    assert "drive_fails_30d-0a1b2c3d" in table


def test_where_nothing_was_closed_the_command_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "prefail.toml"
    config.write_text('[lake]\nroot = "lake"\n[tickets]\ndesk_path = "desk.sqlite"\n', "utf-8")
    assert main(["--config", str(config), "outcomes", "collect", "--day", str(DAY)]) == 0
    capsys.readouterr()
    assert main(["--config", str(config), "outcomes", "show"]) == 0
    assert capsys.readouterr().out == f"No ticket was closed from 2025-10-27 to {DAY}.\n"


def test_what_no_rule_reads_is_listed_with_what_to_do(
    config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run(config, capsys, "outcomes", "collect", "--day", str(day_after(5)))
    assert "could be read" in run(config, capsys, "outcomes", "show", "--unmapped")
    rows = table_of([replace(only_row(config), decided_by="none", remarks="see change 4711")])
    lake_of(config).write_day("raw_outcomes", day_after(4), rows, part="desk")
    unmapped = run(config, capsys, "outcomes", "show", "--unmapped")
    assert "prefail tickets resolve ID --outcome WHAT" in unmapped
    assert "see change 4711" in unmapped


def test_rates_are_shown_as_known_on_the_evening_of_a_day(
    config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run(config, capsys, "outcomes", "collect", "--from", str(DAY), "--to", str(day_after(5)))
    assert f"to {day_after(3)}" in run(config, capsys, "outcomes", "show", "--day", str(day_after(3)))
    assert "No outcome was collected yet" in run(config, capsys, "outcomes", "show", "--day", "2026-11-01")


def test_outcomes_that_break_their_contract_name_the_command_that_reads_them_again() -> None:
    verdict = Verdict(
        dataset="raw_outcomes",
        day=DAY,
        part="desk",
        verdict=VerdictWord.BLOCKED,
        n_rows=1,
        n_quarantined=0,
        usual_rows=None,
        contract_version="1.0.0",
        contract_sha256="0",
        rules=(),
    )
    blocked = blocked_error(load_contract("raw_outcomes"), verdict, None)
    assert str(blocked).endswith(f"then re-run that day: prefail outcomes collect --day {DAY}")

"""Which days never fired, fired twice or are stuck: a whole lake, and what each missing piece is called."""

import datetime as dt
import gzip
import shutil
from pathlib import Path

import pytest
from small_morning import FIRST_DAY, run_steps, write_settings

from pipelines.build import build_day
from pipelines.cli import main
from pipelines.day_check import check_days, check_last_days
from pipelines.day_findings import DayCheck, Trouble, find_newest_check, read_day_check
from pipelines.errors import PermanentError
from pipelines.ingest import ingest_day
from pipelines.lake import Lake, open_lake
from pipelines.published_list import read_day_manifest
from pipelines.settings import Settings, load_settings

# Two days of history, then two mornings.
DAYS = tuple(FIRST_DAY + dt.timedelta(days=n) for n in range(4))
LAST = DAYS[-1]


@pytest.fixture(scope="module")
def whole_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    settings = write_settings(folder)
    lake = open_lake(settings.resolve_path(settings.lake.root))
    for day in DAYS[:2]:
        ingest_day(day, settings, lake)
        build_day(day, settings, lake)
    for day in DAYS[2:]:
        run_steps(settings, lake, day)
    return folder


@pytest.fixture
def settings(whole_folder: Path, tmp_path: Path) -> Settings:
    shutil.copytree(whole_folder, tmp_path / "own")
    return load_settings(tmp_path / "own" / "prefail.toml", {})


@pytest.fixture
def lake(settings: Settings) -> Lake:
    return open_lake(settings.resolve_path(settings.lake.root))


def delete(lake: Lake, *prefixes: str) -> None:
    for prefix in prefixes:
        keys = [item.key for item in lake.store.list_keys(prefix)]
        assert keys, prefix
        for key in keys:
            lake.store.delete(key)


def check(settings: Settings, lake: Lake, first: dt.date = DAYS[0], last: dt.date = LAST) -> DayCheck:
    return check_days(first, last, settings, lake)


def said(checked: DayCheck) -> list[tuple[dt.date, Trouble, str]]:
    return [(each.day, each.trouble, each.command) for each in checked.to_heal]


def test_a_whole_lake_has_nothing_to_heal_and_history_needs_no_predictions(
    settings: Settings, lake: Lake
) -> None:
    checked = check(settings, lake, first=DAYS[0] - dt.timedelta(days=20))
    assert checked.findings == ()
    checked.require_whole()
    assert checked.summary == "checked days 2025-12-12 to 2026-01-04: days=24 to_heal=0 notes=0"


def test_a_day_that_never_fired_is_named_with_all_its_commands(settings: Settings, lake: Lake) -> None:
    after = LAST + dt.timedelta(days=1)
    checked = check(settings, lake, last=after)
    commands = ", ".join(f"prefail {step} --day {after}" for step in ("ingest", "build", "score", "publish"))
    assert said(checked) == [(after, Trouble.NEVER_FIRED, commands)]
    with pytest.raises(PermanentError, match="1 findings about the days") as raised:
        checked.require_whole()
    assert f"  - {after} never fired: no source delivered anything\n    {commands}\n" in raised.value.message


@pytest.mark.parametrize(
    ("removed", "trouble", "steps"),
    [
        (
            ("core_drive_days/day={}", "out_predictions/day={}"),
            Trouble.NOT_BUILT,
            "build score publish",
        ),
        (("out_predictions/day={}",), Trouble.NOT_SCORED, "score publish"),
        (("published/at_risk_hosts/day={}",), Trouble.NOT_PUBLISHED, "publish"),
        (("published/at_risk_hosts/day={}/plan.json",), Trouble.NO_TICKETS, "tickets"),
    ],
)
def test_of_a_stuck_day_the_first_step_that_did_not_happen_is_named(
    settings: Settings, lake: Lake, removed: tuple[str, ...], trouble: Trouble, steps: str
) -> None:
    delete(lake, *(prefix.format(LAST) for prefix in removed))
    heal = ", ".join(f"prefail {step} --day {LAST}" for step in steps.split())
    assert said(check(settings, lake)) == [(LAST, trouble, heal)]


def test_a_day_before_the_one_that_tickets_follow_needs_no_tickets(settings: Settings, lake: Lake) -> None:
    delete(lake, f"published/at_risk_hosts/day={DAYS[2]}/plan.json")
    assert check(settings, lake).findings == ()


def test_a_source_that_delivered_lately_and_not_that_day_is_missing(settings: Settings, lake: Lake) -> None:
    for day in DAYS[:3]:
        lake.write_json(f"ingested/day={day}/part-logs.json", _delivered("logs"))
    logs = settings.sources[0].model_copy(update={"name": "logs"})
    both = settings.model_copy(update={"sources": (*settings.sources, logs)})
    found = [each for each in check(both, lake).to_heal if each.trouble is Trouble.SOURCE_MISSING]
    assert [(each.day, each.command.split(",")[0]) for each in found] == [
        (LAST, f"prefail ingest --day {LAST} --source logs")
    ]


def _delivered(source: str) -> dict[str, object]:
    return {"source": source, "n_rows": 1, "n_quarantined": 0, "inputs": [], "left_out": []}


def test_a_blocked_attempt_is_named_with_the_source_to_ingest_again(settings: Settings, lake: Lake) -> None:
    lake.store.write(f"verdicts/raw_drive_smart/day={LAST}/part-drives.blocked.json", b"{}")
    heal = f"prefail ingest --day {LAST} --source drives, then prefail build --day {LAST}"
    ((day, trouble, command),) = said(check(settings, lake))
    assert (day, trouble) == (LAST, Trouble.BLOCKED)
    assert command.startswith(heal)


def test_a_file_that_changed_after_its_day_was_ingested_is_named(settings: Settings, lake: Lake) -> None:
    file = next(Path(settings.resolve_path("drive_stats")).rglob(f"*{DAYS[1]}*.csv*"))
    file.write_bytes(gzip.compress(gzip.decompress(file.read_bytes()) + b"\n"))
    ((day, trouble, command),) = said(check(settings, lake))
    assert (day, trouble) == (DAYS[1], Trouble.INPUTS_CHANGED)
    assert command.startswith(f"prefail ingest --day {DAYS[1]} --source drives, then prefail build")
    assert check(settings, lake, first=DAYS[2]).findings == (), "only the days that were asked for"


def test_a_file_that_can_t_be_read_any_more_is_named_and_hides_nothing_else(
    settings: Settings, lake: Lake
) -> None:
    file = next(Path(settings.resolve_path("drive_stats")).rglob(f"*{DAYS[1]}*.csv*"))
    file.write_bytes(b"cut short")
    delete(lake, f"out_predictions/day={LAST}")
    found = check(settings, lake).to_heal
    assert [each.trouble for each in found] == [Trouble.NOT_SCORED, Trouble.INPUTS_CHANGED]
    assert f"{DAYS[1]}.csv.gz is damaged or cut short" in found[1].what
    assert found[1].command == "prefail ingest --changed --list-days --source drives"


def test_a_list_made_of_what_changed_later_is_out_of_date_and_scoring_heals_it(
    settings: Settings, lake: Lake
) -> None:
    smaller = lake.read_day("core_drive_days", DAYS[2]).slice(1)
    lake.write_day("core_drive_days", DAYS[2], smaller)
    checked = check(settings, lake)
    heal = "prefail score --day {0}, prefail publish --day {0}"
    assert said(checked) == [(day, Trouble.OUT_OF_DATE, heal.format(day)) for day in DAYS[2:]], (
        "both lists look back over that day"
    )
    for day in DAYS[2:]:
        run_steps(settings, lake, day)
    again = check(settings, lake)
    assert again.to_heal == ()
    # What stays to be known: each of the two lists was published twice.
    assert {(each.day, each.trouble) for each in again.findings} <= {
        (day, Trouble.FIRED_TWICE) for day in DAYS[2:]
    }


def test_an_old_list_that_is_out_of_date_is_only_a_note(settings: Settings, lake: Lake) -> None:
    smaller = lake.read_day("core_drive_days", DAYS[2]).slice(1)
    lake.write_day("core_drive_days", DAYS[2], smaller)
    real_clock = settings.model_copy(
        update={
            "tickets": settings.tickets.model_copy(update={"is_simulated_clock": False, "max_age_days": 1})
        }
    )
    checked = check(real_clock, lake)
    assert [(each.day, each.is_note) for each in checked.findings] == [(DAYS[2], True), (LAST, False)]


def test_tickets_that_follow_an_earlier_list_of_a_day_that_fired_twice_are_to_be_healed(
    settings: Settings, lake: Lake, tmp_path: Path
) -> None:
    longer = settings.model_copy(update={"list": settings.list.model_copy(update={"length": 3})})
    run_steps(longer, lake, LAST, until="publish")
    edition = read_day_manifest(LAST, lake).edition
    (found,) = check(settings, lake).to_heal
    assert (found.trouble, found.command) == (Trouble.FIRED_TWICE, f"prefail tickets --day {LAST}")
    assert (
        found.what
        == f"2 different lists were published; in force is {edition}, the tickets follow an earlier one"
    )


def test_the_command_prints_what_to_do_and_its_exit_code_says_whether(
    settings: Settings, lake: Lake, capsys: pytest.CaptureFixture[str]
) -> None:
    config = str(settings.base_folder / "prefail.toml")
    command = ["--config", config, "days", "check", "--from", str(DAYS[0]), "--to", str(LAST)]
    assert main(command) == 0
    delete(lake, f"out_predictions/day={LAST}")
    assert main(command) == 1
    printed = capsys.readouterr().out
    assert "stuck before score" in printed
    assert f"prefail score --day {LAST}, prefail publish --day {LAST}" in printed


def test_an_empty_lake_never_fired(settings: Settings, tmp_path: Path) -> None:
    empty = open_lake(str(tmp_path / "empty"))
    assert [each[:2] for each in said(check(settings, empty))] == [(LAST, Trouble.NEVER_FIRED)]


def test_the_daily_check_is_kept_and_one_over_days_that_somebody_names_is_not(
    settings: Settings, lake: Lake, capsys: pytest.CaptureFixture[str]
) -> None:
    delete(lake, f"out_predictions/day={LAST}")
    config = str(settings.base_folder / "prefail.toml")
    assert main(["--config", config, "days", "check", "--from", str(DAYS[0]), "--to", str(LAST)]) == 1
    assert find_newest_check(LAST, lake) is None
    facts = check_last_days(LAST, settings, lake)
    assert facts.summary == f"checked days up to {LAST}: days=30 to_heal=1 notes=0"
    kept = find_newest_check(LAST + dt.timedelta(days=3), lake)
    assert kept == read_day_check(LAST, lake)
    assert said(kept) == said(check(settings, lake))
    assert find_newest_check(LAST - dt.timedelta(days=1), lake) is None
    capsys.readouterr()
    assert main(["--config", config, "days", "check"]) == 1
    assert "stuck before score" not in capsys.readouterr().out, "these days are long ago"
    yesterday = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)
    assert read_day_check(yesterday, lake).to_heal

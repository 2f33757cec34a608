"""The plan without its execution: what it shows, that it writes nothing, and the board that a run leaves."""

import datetime as dt
import json
from pathlib import Path

import pyarrow as pa
import pytest
from hand_made_fleet import DAY, day_after, make_entry, make_settings, write_fleet_day
from memory_tracker import MUTATING, MemoryTracker

from pipelines.cli import main
from pipelines.errors import MissingInputError, PermanentError
from pipelines.lake import Lake
from pipelines.object_store import FolderStore
from pipelines.planning_board import PlanRecord
from pipelines.published_list import day_folder
from pipelines.settings import Settings
from pipelines.ticket_plan import Preview, preview_tickets_day
from pipelines.ticket_step import reconcile_tickets_day
from pipelines.tickets.entries import Entry
from pipelines.tickets.gone_tickets import GoneTicket, read_gone_tickets, write_gone_ticket
from pipelines.tickets.plan import Hold
from pipelines.tickets.tracker import Outcome

SETTINGS = make_settings(list={"k_per_day": 2})


class ReadOnlyStore(FolderStore):
    """Refuses every write."""

    def write(self, key: str, data: bytes, *, if_absent: bool = False, if_match: str | None = None) -> str:
        raise AssertionError(f"wrote {key}")

    def delete(self, key: str) -> None:
        raise AssertionError(f"deleted {key}")


class ReadOnlyTracker:
    """Another tracker, of which only looking may be asked."""

    def __init__(self, inner: MemoryTracker) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> object:
        assert name not in MUTATING, f"asked to {name}"
        return getattr(self._inner, name)


def preview(lake: Lake, tracker: MemoryTracker, day: dt.date = DAY, settings: Settings = SETTINGS) -> Preview:
    store = ReadOnlyStore(Path(lake.store.root))
    return preview_tickets_day(day, settings, Lake(store), day, tracker=ReadOnlyTracker(tracker))


def write_inventory(lake: Lake, entries: list[Entry], groups: list[str | None]) -> None:
    """Write an inventory of ``DAY`` of the listed parts, each in its redundancy group."""
    inventory = pa.table(
        {
            "component_id": [entry.component_id for entry in entries],
            "component_kind": ["drive"] * len(entries),
            "host_id": [entry.host_id for entry in entries],
            "model": [entry.model for entry in entries],
            "firmware": ["CC54"] * len(entries),
            "redundancy_group": groups,
        }
    )
    lake.write_day("raw_inventory", DAY, inventory, part="cmdb")


def test_a_plan_shows_what_would_be_done_and_why_each_other_entry_waits_and_writes_nothing(
    lake: Lake,
) -> None:
    tracker = MemoryTracker()
    first = [make_entry("ZA1", rank=1, slot="1"), make_entry("ZA2", rank=2, slot="2")]
    write_fleet_day(lake, DAY, first)
    reconcile_tickets_day(DAY, SETTINGS, lake, DAY, tracker=tracker)
    second = [
        make_entry("ZA1", rank=1, slot="1", risk=0.9),
        *(make_entry(f"ZA{rank}", rank=rank, slot=str(rank)) for rank in (3, 4, 5)),
    ]
    write_fleet_day(lake, day_after(1), second, failed=["ZA2"])
    n_changes = tracker.n_changes
    shown = preview(lake, tracker, day_after(1))
    assert [(line.verb, line.ticket_id, line.reason.split(" (policy")[0]) for line in shown.lines] == [
        ("close as replaced", "2", "the part failed on 2026-12-02"),
        ("update", "1", "risk rose"),
        ("open", None, "rank 3"),
        ("open", None, "rank 4"),
        ("wait", None, "budget: 2 new tickets a day, and others came first"),
    ]
    assert shown.summary.startswith(
        "would reconcile tickets 2026-12-02: listed=4 open=2 reopen=0 update=1 close=1 keep=0 waiting=1 (policy "
    )
    assert tracker.n_changes == n_changes
    facts = reconcile_tickets_day(day_after(1), SETTINGS, lake, day_after(1), tracker=tracker)
    assert [facts.fact(name) for name in ("opened", "commented", "closed", "waiting")] == [2, 1, 1, 1]


def test_a_replayed_day_has_no_plan_and_asks_the_tracker_nothing(lake: Lake) -> None:
    write_fleet_day(lake, DAY, [make_entry()])
    write_fleet_day(lake, day_after(1), [make_entry()])
    reconcile_tickets_day(day_after(1), SETTINGS, lake, day_after(1), tracker=MemoryTracker())
    shown = preview_tickets_day(DAY, SETTINGS, lake, day_after(1), tracker=object())
    assert (shown.lines, shown.planned) == ((), None)
    assert shown.summary == (
        "would touch no ticket (replay) 2026-12-01: reason=the tickets already follow the list of 2026-12-02"
    )
    assert not lake.store.exists(day_folder(DAY) + "plan.html")


def test_a_plan_of_a_desk_that_is_not_there_yet_makes_no_file(lake: Lake, tmp_path: Path) -> None:
    settings = Settings.model_validate({"base_folder": tmp_path, "tickets": {"desk_path": "new/desk.sqlite"}})
    write_fleet_day(lake, DAY, [make_entry()])
    read_only = Lake(ReadOnlyStore(Path(lake.store.root)))
    assert [line.verb for line in preview_tickets_day(DAY, settings, read_only, DAY).lines] == ["open"]
    assert not (tmp_path / "new").exists()
    reconcile_tickets_day(DAY, settings, lake, DAY)
    content = (tmp_path / "new" / "desk.sqlite").read_bytes()
    again = preview_tickets_day(day_after(0), settings, read_only, DAY)
    assert again.lines == ()
    assert (tmp_path / "new" / "desk.sqlite").read_bytes() == content


def test_a_plan_without_a_list_says_what_is_missing(lake: Lake) -> None:
    with pytest.raises(MissingInputError, match="out_at_risk_hosts has no data"):
        preview(lake, MemoryTracker())


def test_a_run_leaves_the_board_and_a_record_of_its_plan_beside_the_list(lake: Lake) -> None:
    hostile = "<script>alert(1)</script>"
    entries = [make_entry("ZA1", slot="1"), make_entry("ZA2", rank=2, host_id=hostile, rack=None, site=None)]
    write_fleet_day(lake, DAY, [*entries, make_entry("ZA3", rank=3, slot="3", rack="r3/u1")])
    tracker = MemoryTracker()
    reconcile_tickets_day(DAY, SETTINGS, lake, DAY, tracker=tracker)
    page = lake.store.read(day_folder(DAY) + "plan.html").decode()
    assert "fra1, rack r12" in page
    assert "site not known, rack not known" in page
    assert "2 new tickets a day, and others came first" in page
    assert hostile not in page
    assert "&lt;script&gt;" in page
    assert "http" not in page.replace("http-equiv", ""), "the page needs nothing else"
    record = PlanRecord.model_validate_json(lake.store.read(day_folder(DAY) + "plan.json"))
    assert (record.n_open, record.n_new, record.environment) == (2, 2, "default")
    assert [one.hold for one in record.waiting] == [Hold.BUDGET]
    assert record.policy.startswith("policy shipped 1, ")


def test_the_same_board_again_writes_nothing(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    write_fleet_day(lake, DAY, [make_entry()])
    tracker = MemoryTracker()
    reconcile_tickets_day(DAY, SETTINGS, lake, DAY, tracker=tracker)
    monkeypatch.setattr(lake.store, "write", ReadOnlyStore.write)
    reconcile_tickets_day(DAY, SETTINGS, lake, DAY, tracker=tracker)


def test_readers_with_a_place_of_their_own_find_the_board_there(lake: Lake, tmp_path: Path) -> None:
    settings = make_settings(publish={"root": str(tmp_path / "readers")})
    write_fleet_day(lake, DAY, [make_entry()])
    reconcile_tickets_day(DAY, settings, lake, DAY, tracker=MemoryTracker())
    name = day_folder(DAY) + "plan.html"
    assert (tmp_path / "readers" / name).read_bytes() == lake.store.read(name)


def test_the_board_shows_overdue_tickets_missing_parts_and_what_to_order(lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(
        'version: "1"\nname: own\nspares: {in_stock: {ST4000DM000: 1}}\n', "utf-8"
    )
    settings = Settings.model_validate({"base_folder": tmp_path, "tickets": {"policy": "policy.yaml"}})
    entries = [make_entry(f"ZA{n}", rank=n, slot=str(n), due_day=day_after(n)) for n in (1, 2)]
    tracker = MemoryTracker()
    for n_days in (0, 2):
        write_fleet_day(lake, day_after(n_days), entries)
        reconcile_tickets_day(day_after(n_days), settings, lake, day_after(n_days), tracker=tracker)
    page = lake.store.read(day_folder(day_after(2)) + "plan.html").decode()
    assert "<dt>overdue</dt><dd>1<" in page
    assert "2026-12-02 (overdue)" in page
    assert "<dt>wait for a part</dt><dd>1<" in page
    assert '<td data-label="to order"><span class="num">1</span></td>' in page


def test_what_is_wrong_with_one_ticket_does_not_keep_the_board_from_its_readers(lake: Lake) -> None:
    from pipelines.tickets.ticket_errors import TicketGoneError

    class OddTracker(MemoryTracker):
        def create(self, draft):
            if draft.record.component_id == "ZA1":
                raise TicketGoneError("Ticket 9 carries no key.", had_no_effect=True)
            return super().create(draft)

    write_fleet_day(lake, DAY, [make_entry("ZA1"), make_entry("ZA2", rank=2, slot="2")])
    with pytest.raises(TicketGoneError):
        reconcile_tickets_day(DAY, SETTINGS, lake, DAY, tracker=OddTracker())
    assert b"drive ZA2" in lake.store.read(day_folder(DAY) + "plan.html")


def test_firmware_groups_and_shares_come_from_inventory_and_predictions(lake: Lake, tmp_path: Path) -> None:
    """Five hosts of one rack, of a fleet of a hundred; two of them back each other up."""
    (tmp_path / "policy.yaml").write_text(
        'version: "1"\nname: own\nredundancy: {can_lose: 1}\nstorm: {new_tickets: {rack: 4}}\n', "utf-8"
    )
    settings = Settings.model_validate(
        {
            "base_folder": tmp_path,
            "tickets": {"policy": "policy.yaml"},
            "list": {"k_per_day": 9},
            "sources": [{"name": "cmdb", "kind": "inventory", "path": "x"}],
        }
    )
    entries = [
        make_entry(f"ZA{n}", rank=n, host_id=f"host-{n}", rack="r12" if n <= 4 else f"r{n}", risk=0.6)
        for n in range(1, 7)
    ]
    risks = {**{entry.component_id: entry.risk for entry in entries}, **{f"ZB{n}": 0.01 for n in range(94)}}
    write_fleet_day(lake, DAY, entries, risks=risks, places={f"ZB{n}": (f"b{n}", "1") for n in range(94)})
    write_inventory(lake, entries, [None] * 4 + ["ceph-a"] * 2)
    tracker = MemoryTracker()
    # The other 94 sit in r12 as well: nothing special about it.
    facts = reconcile_tickets_day(DAY, settings, lake, DAY, tracker=tracker)
    assert facts.fact("opened") == 5
    assert [one.hold for one in facts.not_opened] == [Hold.GROUP_FULL]
    assert "Firmware: CC54" in tracker.tickets["1"].body

    fleet = lake.read_day("out_predictions", DAY)
    rack = ["r12"] * 4 + [f"r{n}" for n in range(5, 101)]
    fleet = fleet.set_column(fleet.column_names.index("rack"), "rack", pa.array(rack))
    lake.write_day("out_predictions", DAY, fleet)
    fresh = MemoryTracker()
    facts = reconcile_tickets_day(DAY, settings, lake, DAY, tracker=fresh)
    assert facts.fact("opened") == 2
    assert next(ticket.title for ticket in fresh.tickets.values()) == (
        "Check rack fra1/r12 before 2026-12-04: 4 parts at risk, up to 60 %"
    )
    assert [one.hold for one in facts.not_opened] == [Hold.STORM] * 4 + [Hold.GROUP_FULL]


def test_parts_that_came_into_service_together_and_are_listed_together_get_one_ticket_about_their_batch(
    lake: Lake, tmp_path: Path
) -> None:
    """Four of the six parts of March; the other four of the ten were installed in other months."""
    (tmp_path / "policy.yaml").write_text(
        'version: "1"\nname: own\nstorm: {new_tickets: {batch: 4}, over_representation: 1.5}\n', "utf-8"
    )
    settings = make_settings(
        base_folder=str(tmp_path),
        tickets={"policy": "policy.yaml"},
        list={"k_per_day": 9},
        sources=[{"name": "cmdb", "kind": "inventory", "path": "x"}],
    )
    entries = [make_entry(f"ZA{n}", rank=n, host_id=f"host-{n}", rack=f"r{n}") for n in range(1, 5)]
    months = [3] * 6 + [4, 5, 6, 7]
    inventory = pa.table(
        {
            "component_id": [f"ZA{n}" for n in range(1, 11)],
            "component_kind": ["drive"] * 10,
            "host_id": [f"host-{n}" for n in range(1, 11)],
            "model": [entries[0].model] * 10,
            "firmware": [None] * 10,
            "in_service_since": pa.array(
                [dt.datetime(2024, month, 9, tzinfo=dt.UTC) for month in months], pa.timestamp("us", "UTC")
            ),
            "redundancy_group": [None] * 10,
        }
    )
    lake.write_day("raw_inventory", DAY, inventory, part="cmdb")
    write_fleet_day(lake, DAY, entries)
    tracker = MemoryTracker()
    facts = reconcile_tickets_day(DAY, settings, lake, DAY, tracker=tracker)
    assert [one.hold for one in facts.not_opened] == [Hold.STORM] * 4
    (ticket,) = tracker.tickets.values()
    assert ticket.title == (
        "Check batch 2024-03 of ST4000DM000 before 2026-12-04: 4 parts at risk, up to 62 %"
    )
    assert "these parts went into service in one month" in ticket.body


def test_on_a_day_without_an_inventory_the_groups_of_the_last_one_still_hold(
    lake: Lake, tmp_path: Path
) -> None:
    settings = make_settings(
        list={"k_per_day": 9}, sources=[{"name": "cmdb", "kind": "inventory", "path": "x"}]
    )
    entries = [make_entry(f"ZA{n}", rank=n, host_id=f"host-{n}") for n in (1, 2)]
    write_inventory(lake, entries, ["ceph-a"] * 2)
    for n_days, n_opened in ((7, 1), (8, 2)):
        day = day_after(n_days)
        write_fleet_day(lake, day, entries)
        facts = reconcile_tickets_day(day, settings, lake, day, tracker=MemoryTracker())
        assert facts.fact("opened") == n_opened


def test_a_key_whose_ticket_is_open_is_not_searched_for_again(lake: Lake) -> None:
    settings = make_settings()
    tracker, asked = MemoryTracker(), []
    write_fleet_day(lake, DAY, [make_entry("ZA1")])
    reconcile_tickets_day(DAY, settings, lake, DAY, tracker=tracker)
    entries = [make_entry("ZA1"), make_entry("ZA2", rank=2, slot="2")]
    write_fleet_day(lake, day_after(1), entries)
    find = tracker.find
    tracker.find = lambda keys: asked.append(list(keys)) or find(keys)
    preview_tickets_day(day_after(1), settings, lake, day_after(1), tracker=tracker)
    assert asked == [[entries[1].key.digest]]


def test_a_storm_that_its_technician_declined_is_found_by_its_key_the_next_day(lake: Lake) -> None:
    settings = make_settings(list={"k_per_day": 9})
    entries = [make_entry(f"ZA{n}", rank=n, slot=str(n), host_id="host-1") for n in range(1, 5)]
    risks = {**{entry.component_id: entry.risk for entry in entries}, **{f"ZB{n}": 0.01 for n in range(90)}}
    places = {f"ZB{n}": (f"b{n}", "1") for n in range(90)}
    tracker = MemoryTracker()
    write_fleet_day(lake, DAY, entries, risks=risks, places=places)
    assert reconcile_tickets_day(DAY, settings, lake, DAY, tracker=tracker).fact("opened") == 1
    tracker.close("1", outcome=Outcome.DECLINED, day=DAY, note="")
    write_fleet_day(lake, day_after(1), entries, risks=risks, places=places)
    facts = reconcile_tickets_day(day_after(1), settings, lake, day_after(1), tracker=tracker)
    assert facts.fact("opened") == 4


def test_a_note_of_a_deleted_ticket_that_can_not_be_read_is_named(lake: Lake) -> None:
    gone = GoneTicket(ticket_id="1", missed_on=DAY, reason="Ticket 1 was deleted.")
    write_gone_ticket(lake, "default", "aa", gone)
    assert read_gone_tickets(lake, "default", ["aa", "bb"]) == {"aa": gone}
    lake.store.write("tickets/default/gone/aa.json", json.dumps({"ticket_id": 1}).encode())
    assert read_gone_tickets(lake, "default", ["bb"]) == {}
    with pytest.raises(PermanentError, match="does not say which ticket is gone"):
        read_gone_tickets(lake, "default", ["aa"])


def test_the_command_prints_the_plan_writes_the_page_and_a_dry_run_does_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "prefail.toml"
    config.write_text(
        '[lake]\nroot = "lake"\n[list]\nk_per_day = 1\n[tickets]\nis_simulated_clock = true\n', "utf-8"
    )
    lake = Lake(FolderStore(tmp_path / "lake"))
    write_fleet_day(lake, DAY, [make_entry("ZA1"), make_entry("ZA2", rank=2, slot="2")])
    page = tmp_path / "plan.html"
    before = sorted(tmp_path.rglob("*"))
    assert main(["--config", str(config), "plan", "--day", str(DAY), "--html", str(page)]) == 0
    shown = capsys.readouterr().out
    assert "Replace drive ZA1 slot 7 in host-0421 (r12/u07) before 2026-12-04: 62 % risk" in shown
    assert "budget: 1 new ticket a day, and others came first" in shown
    assert "would reconcile tickets 2026-12-01: listed=2 open=1" in shown
    assert "not opened yet" in page.read_text("utf-8")
    assert main(["--config", str(config), "tickets", "--day", str(DAY), "--dry-run"]) == 0
    assert "would reconcile tickets 2026-12-01: listed=2 open=1" in capsys.readouterr().out
    assert sorted(tmp_path.rglob("*")) == sorted([*before, page])
    assert main(["--config", str(config), "tickets", "--day", str(DAY)]) == 0
    assert "opened=1" in capsys.readouterr().out

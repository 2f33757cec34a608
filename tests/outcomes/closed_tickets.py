"""A tracker with tickets about a few parts, and the days of the parts' lives."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa
from hand_made_fleet import DAY, list_table, make_entry, make_settings
from memory_tracker import MemoryTracker

from data_contracts.arrow_schema import schema_of
from data_contracts.loader import load_contract
from features.shards import component_keys
from pipelines.collect_outcomes import collect_outcomes_day
from pipelines.lake import Lake
from pipelines.step_facts import StepFacts
from pipelines.tickets.entries import Entry
from pipelines.tickets.outcomes.archive import read_outcomes
from pipelines.tickets.outcomes.outcome_row import OutcomeRow
from pipelines.tickets.record import TicketRecord, write_record
from pipelines.tickets.tracker import PERSON_COMMENT, Comment, Draft, Outcome

SETTINGS = make_settings()


@dataclass
class Floor:
    """What happens in the machine hall: tickets are opened, people write and close them, parts report."""

    lake: Lake
    tracker: MemoryTracker = field(default_factory=MemoryTracker)
    listed: dict[dt.date, list[Entry]] = field(default_factory=dict)

    def open(
        self, component_id: str = "ZA1", day: dt.date = DAY, *, is_listed: bool = True, **fields: object
    ) -> str:
        """Open a ticket about a part that is listed on ``day``; return its number."""
        entries = self.listed.setdefault(day, [])
        entry = make_entry(component_id, **{"rank": len(entries) + 1, "slot": component_id, **fields})
        entries.append(entry)
        record = TicketRecord(
            environment="default",
            host_id=entry.host_id,
            component_id=component_id,
            component_kind=entry.component_kind,
            target=entry.target,
            slot=entry.slot,
            opened_day=day,
            opened_model_id=entry.model_id,
            opened_list_manifest=None,
            list_day=day,
            list_manifest=None,
            model_id=entry.model_id,
            last_listed_day=day,
            due_day=entry.due_day,
            told_risk=entry.risk,
            told_signals=(),
        )
        if is_listed:
            self.lake.write_day("out_at_risk_hosts", day, list_table(entries, day))
        draft = Draft(title=component_id, body=write_record(record), record=record)
        return self.tracker.create(draft).ticket_id

    def close(self, ticket_id: str, day: dt.date, outcome: Outcome | None = None) -> None:
        """Close a ticket; without an outcome a person did it who did not say."""
        ticket = self.tracker.tickets[ticket_id]
        self.tracker.tickets[ticket_id] = replace(ticket, is_open=False, closed_day=day, outcome=outcome)

    def say(self, ticket_id: str, day: dt.date, text: str) -> None:
        """Write a remark, as a person does in the tracker."""
        history = self.tracker.history[ticket_id]
        history.append(Comment(comment_id=f"{PERSON_COMMENT}{len(history)}", day=day, text=text))

    def report(self, day: dt.date, *component_ids: str, kind: str = "drive") -> None:
        """Let parts report on a day."""
        keys = sorted(component_keys(list(component_ids)).tolist())
        table = pa.table({"component_key": pa.array(keys, pa.uint64())})
        self.lake.write_day(f"core_{kind}_days", day, table)

    def fail(self, day: dt.date, component_id: str) -> None:
        """Let a source report a failure."""
        values: Mapping[str, object] = {
            "component_id": component_id,
            "component_key": int(component_keys([component_id])[0]),
            "component_kind": "drive",
            "model": "ST4000DM000",
            "host_id": "host-0421",
            "failure_source": "drives",
            "is_confirmed": True,
            "known_at": dt.datetime.combine(day, dt.time(20), dt.UTC),
        }
        schema = schema_of(load_contract("core_failures"))
        self.lake.write_day("core_failures", day, pa.Table.from_pylist([values], schema))

    def collect(self, day: dt.date) -> StepFacts:
        """Run the step as of a day."""
        return collect_outcomes_day(day, SETTINGS, self.lake, tracker=self.tracker)

    def rows(self) -> list[OutcomeRow]:
        """Return all rows of raw_outcomes, by day of closing."""
        found = read_outcomes(self.lake, dt.date.min)
        return [row for part in found.values() for row in part]

    def row(self) -> OutcomeRow:
        """Return the only row."""
        (row,) = self.rows()
        return row


def outcome_parts(lake: Lake) -> list[tuple[dt.date, str]]:
    """Return day and part of what tickets say about failures."""
    return [each for each in lake.list_parts("core_failures") if each[1].startswith("outcomes-")]


def stored_bytes(lake: Lake, prefixes: Sequence[str]) -> dict[str, bytes]:
    """Return everything stored below some folders."""
    return {
        item.key: lake.store.read(item.key) for prefix in prefixes for item in lake.store.list_keys(prefix)
    }

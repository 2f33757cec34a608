"""Lists, predictions and tickets of a few drives, made by hand."""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pyarrow as pa

from features.evidence import Reason, write_reasons
from pipelines.lake import Lake
from pipelines.settings import Settings
from pipelines.tickets.entries import Entry
from pipelines.tickets.plan import Close, Create, Keep, Plan
from pipelines.tickets.policy import Policy
from pipelines.tickets.policy_document import PolicyDocument
from pipelines.tickets.ticket_key import TicketKey
from pipelines.tickets.tracker import Ticket

DAY = dt.date(2026, 12, 1)
TARGET = "drive_fails_30d"
POLICY = Policy(k_per_day=2, close_after_days=14, reopen_within_days=30, update_risk_step=0.10)


def day_after(n_days: int) -> dt.date:
    """Return the day ``n_days`` after ``DAY``."""
    return DAY + dt.timedelta(days=n_days)


def make_reason(signal: str = "reallocated_sectors", **fields: object) -> Reason:
    """Return one piece of evidence."""
    values: dict[str, object] = {
        "label": signal.replace("_", " "),
        "unit": "",
        "now": 24.0,
        "before_7d": 8.0,
        "before_30d": 0.0,
        "percentile": 99.2,
        "contribution": 1.5,
    }
    return Reason(signal=signal, **{**values, **fields})


def make_entry(component_id: str = "ZA1", **fields: object) -> Entry:
    """Return an entry of the list; the key follows from its fields."""
    values: dict[str, object] = {
        "rank": 1,
        "host_id": "host-0421",
        "component_id": component_id,
        "component_kind": "drive",
        "model": "ST4000DM000",
        "slot": "7",
        "rack": "r12/u07",
        "site": "fra1",
        "target": TARGET,
        "risk": 0.62,
        "due_day": dt.date(2026, 12, 4),
        "check_first": "Check the cable first.",
        "evidence": (make_reason(),),
        "model_id": "drive_fails_30d-0a1b2c3d",
        **fields,
    }
    key = TicketKey(
        environment="default",
        host_id=str(values["host_id"]),
        component_id=component_id,
        target=str(values["target"]),
    )
    return Entry(key=key, **values)


def list_table(entries: Sequence[Entry], day: dt.date = DAY) -> pa.Table:
    """Return entries as out_at_risk_hosts has them."""
    rows = [
        {
            "rank": entry.rank,
            "host_id": entry.host_id,
            "host_risk": entry.risk,
            "component_id": entry.component_id,
            "component_kind": entry.component_kind,
            "model": entry.model,
            "slot": entry.slot,
            "rack": entry.rack,
            "site": entry.site,
            "target": entry.target,
            "risk": entry.risk,
            "due_day": entry.due_day.isoformat(),
            "check_first": entry.check_first,
            "evidence": write_reasons(entry.evidence),
            "model_id": entry.model_id,
            "day": day.isoformat(),
        }
        for entry in entries
    ]
    schema = pa.schema(
        [("rank", pa.int32()), ("host_risk", pa.float64()), ("risk", pa.float64())]
        + [(name, pa.string()) for name in ("host_id", "component_id", "component_kind", "model", "slot")]
        + [(name, pa.string()) for name in ("rack", "site", "target", "due_day", "check_first", "evidence")]
        + [("model_id", pa.string()), ("day", pa.string())]
    )
    return pa.Table.from_pylist(rows, schema)


def write_fleet_day(
    lake: Lake,
    day: dt.date,
    entries: Sequence[Entry],
    *,
    risks: Mapping[str, float | None] | None = None,
    failed: Sequence[str] = (),
    places: Mapping[str, tuple[str, str]] | None = None,
) -> None:
    """Write one day: the list, predictions of ``risks`` (the listed ones if not given), failures.

    Predictions have the model and the place of the entries, others those of ``make_entry``.

    ``places`` gives (host_id, slot) of components that are not where ``make_entry`` puts them.
    """
    lake.write_day("out_at_risk_hosts", day, list_table(entries, day))
    where = {entry.component_id: (entry.host_id, entry.slot or "") for entry in entries}
    where |= places or {}
    if risks is None:
        risks = {entry.component_id: entry.risk for entry in entries}
    listed = {entry.component_id: entry for entry in entries}
    other = make_entry("other")
    predictions = [
        {
            "component_id": component_id,
            "component_kind": "drive",
            "host_id": where.get(component_id, ("host-0421", ""))[0],
            "slot": where.get(component_id, ("host-0421", "7"))[1] or None,
            "model": listed.get(component_id, other).model,
            "rack": listed.get(component_id, other).rack,
            "site": listed.get(component_id, other).site,
            "target": TARGET,
            "risk": risk,
        }
        for component_id, risk in risks.items()
    ]
    schema = pa.schema(
        [(name, pa.string()) for name in ("component_id", "component_kind", "host_id", "slot", "target")]
        + [(name, pa.string()) for name in ("model", "rack", "site")]
        + [("risk", pa.float64())]
    )
    lake.write_day("out_predictions", day, pa.Table.from_pylist(predictions, schema))
    failures = pa.table({"component_id": pa.array(list(failed), pa.string())})
    lake.write_day("core_failures", day, failures)


def make_settings(**sections: object) -> Settings:
    """Return settings with some sections replaced."""
    return Settings.model_validate(json.loads(json.dumps(sections)))


def make_policy(**rules: object) -> Policy:
    """Return ``POLICY`` with rules of a policy file; at most 100 tickets a day unless they say otherwise."""
    document = PolicyDocument.model_validate({"version": "7", "name": "test", **rules})
    return replace(POLICY, k_per_day=100, document=document)


def carry_out(tickets: Sequence[Ticket], plan: Plan, day: dt.date) -> tuple[Ticket, ...]:
    """Return the tickets after a plan was carried out, as a tracker would have them."""
    after = {ticket.ticket_id: ticket for ticket in tickets}
    for change in plan.changes:
        if isinstance(change, Create):
            ticket_id = str(len(after) + 1)
        elif isinstance(change, Close):
            ended = replace(after[change.ticket_id], is_open=False, outcome=change.outcome, closed_day=day)
            after[change.ticket_id] = ended
            continue
        elif isinstance(change, Keep):
            continue
        else:
            ticket_id = change.ticket_id
        draft = change.draft
        after[ticket_id] = Ticket(
            ticket_id=ticket_id, is_open=True, title=draft.title, body=draft.body, record=draft.record
        )
    return tuple(after.values())

"""Put the planning board beside the day's published list, and record what plan it shows."""

import datetime as dt
import hashlib

from pydantic import BaseModel, ConfigDict

from pipelines.errors import MissingInputError
from pipelines.lake import Lake
from pipelines.publication import open_publication
from pipelines.published_list import day_folder
from pipelines.report.plan_page import render_plan
from pipelines.settings import Settings
from pipelines.tickets.batch_decision import BatchDecision
from pipelines.tickets.board import Board
from pipelines.tickets.day_plan import DayPlan
from pipelines.tickets.plan import Hold
from pipelines.tickets.plan_notes import PLAN_FILE

RECORD_FILE = "plan.json"


class WaitingRecord(BaseModel):
    """An entry of the list without a ticket: the digest of its key, and why it waits."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str
    hold: Hold
    reason: str


class PlanRecord(BaseModel):
    """What a run planned for a day: by which policy, from which edition of the list, shown on which page.

    ``approval``: who decided about new tickets beyond the budget, null where nobody had to or has.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int = 1
    day: dt.date
    environment: str
    policy: str
    list_manifest: str | None
    n_open: int
    n_new: int
    waiting: tuple[WaitingRecord, ...]
    page_sha256: str
    approval: BatchDecision | None = None


def write_board(board: Board, planned: DayPlan, settings: Settings, lake: Lake) -> None:
    """Write ``plan.html`` and then ``plan.json`` into the day's published folder, in the lake and for readers.

    The same board again writes nothing.
    """
    page = render_plan(board)
    record = PlanRecord(
        day=board.day,
        environment=board.environment,
        policy=board.policy,
        list_manifest=planned.view.list_manifest,
        n_open=len(board.tickets),
        n_new=sum(ticket.is_new for ticket in board.tickets),
        waiting=tuple(
            WaitingRecord(key=one.entry.key.digest, hold=one.hold, reason=one.reason)
            for one in sorted(planned.plan.not_opened, key=lambda one: one.entry.key.digest)
        ),
        page_sha256=hashlib.sha256(page).hexdigest(),
        approval=planned.policy.decision,
    )
    said = (record.model_dump_json(indent=1) + "\n").encode()
    readers = open_publication(settings)
    for place in (lake,) if readers is None else (lake, readers):
        for name, data in ((PLAN_FILE, page), (RECORD_FILE, said)):
            _write_if_new(place, day_folder(board.day) + name, data)


def _write_if_new(lake: Lake, key: str, data: bytes) -> None:
    try:
        if lake.store.read(key) == data:
            return
    except MissingInputError:
        pass
    lake.store.write(key, data)

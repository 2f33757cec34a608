"""ServiceNow over the Table API: incidents, found by ``correlation_id`` (key) and ``correlation_display``.

ServiceNow drops what it does not understand of a query and then returns every row of the table, so each row
is looked at again here.
"""

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from itertools import count

from pydantic import Field

from pipelines.settings import Settings
from pipelines.tickets.remote.credentials import TrackerCredentials
from pipelines.tickets.remote.http_door import HttpDoor
from pipelines.tickets.remote.issue_tracker import IssueTracker
from pipelines.tickets.remote.issues import MARK, Change, Issue, Remark
from pipelines.tickets.remote.options import HttpOptions
from pipelines.tickets.remote.place import read_place
from pipelines.tickets.remote.reply import JsonValue, Scalar
from pipelines.tickets.ticket_errors import TicketDeletedError, TicketGoneError
from pipelines.tickets.tracker import Draft, Outcome

_FIELDS = (
    "sys_id,number,short_description,description,state,correlation_id,correlation_display,close_notes,closed_at,"
    "resolved_at,sys_updated_on"
)
_PAGE = 500
_KEYS_PER_SEARCH = 100
_OUTCOME = re.compile(rf"^{MARK}: ([a-z_]+)\b", re.IGNORECASE)


class Options(HttpOptions):
    """Settings of a ServiceNow instance."""

    table: str = Field(
        default="incident", pattern=r"^[a-z][a-z0-9_]{0,79}$", description="Table of the tickets."
    )
    assignment_group: str | None = Field(
        default=None, description="sys_id of the group that gets new tickets."
    )
    open_state: str = Field(default="2", description="Value of state for a ticket that is opened again.")
    closed_state: str = Field(default="6", description="Value of state for a ticket that we close.")
    closed_states: tuple[str, ...] = Field(
        default=("6", "7", "8"), description="Values of state that mean closed, whoever set them."
    )
    close_code: str = Field(
        default="Solution provided", description="Resolution code of tickets that we close."
    )


def open_tracker(settings: Settings) -> IssueTracker:
    """Return the tracker that ``[tickets.options]`` names; nothing is asked of it yet."""
    options = Options.model_validate(settings.tickets.options)
    credentials = TrackerCredentials.from_environment()
    signed = credentials.as_basic() if credentials.user else credentials.as_token()
    door = HttpDoor(
        options=options, headers={"Authorization": signed}, secrets=tuple(credentials.list_secrets())
    )
    return IssueTracker(ServiceNow(door, options))


class ServiceNow:
    """``Issues`` in one table. ``handle`` is the row's sys_id."""

    longest_title = 160

    def __init__(self, door: HttpDoor, options: Options) -> None:
        self._door = door
        self._options = options
        self._path = f"/api/now/table/{options.table}"
        self._is_checked = False
        self._handles: dict[str, str] = {}

    def search_keys(self, keys: Sequence[str]) -> Iterator[Issue]:
        for start in range(0, len(keys), _KEYS_PER_SEARCH):
            part = set(keys[start : start + _KEYS_PER_SEARCH])
            for row in self._search(f"correlation_idIN{','.join(sorted(part))}"):
                if row["correlation_id"].text() in part:
                    yield self._read_issue(row)

    def search_environment(
        self, environment: str, *, opened_day: dt.date | None = None, is_open_only: bool = False
    ) -> Iterator[Issue]:
        mark = _mark(environment, opened_day)
        query = f"correlation_display={mark}" if opened_day else f"correlation_displaySTARTSWITH{mark}"
        if is_open_only:
            query += f"^stateNOT IN{','.join(self._options.closed_states)}"
        for row in self._search(query):
            issue = self._read_issue(row)
            if row["correlation_display"].text().startswith(mark) and (issue.is_open or not is_open_only):
                yield issue

    def read(self, issue_id: str) -> Issue:
        if not (issue_id.isascii() and issue_id.isalnum()):
            raise TicketGoneError(
                f"{issue_id!r} is no number of a ticket. Nothing was changed.", ticket_id=issue_id
            )
        for row in self._search(f"number={issue_id}"):
            if row["number"].text() == issue_id:
                return self._read_issue(row)
        raise TicketDeletedError(
            f"Ticket {issue_id} was deleted, or the account may no longer see it.", ticket_id=issue_id
        )

    def open(self, draft: Draft) -> str:
        self._check_table()
        row = {
            "short_description": draft.title,
            "description": draft.body,
            "correlation_id": draft.key,
            "correlation_display": _mark(draft.record.environment, draft.record.opened_day),
        }
        if self._options.assignment_group:
            row["assignment_group"] = self._options.assignment_group
        return self._door.send("POST", self._path, document=row).json()["result"]["number"].text()

    def write(self, issue: Issue, change: Change) -> None:
        row = {"short_description": change.title, "description": change.text}
        if change.is_open != issue.is_open:
            row["state"] = self._options.open_state if change.is_open else self._options.closed_state
        if change.outcome is not None:
            row |= {"close_code": self._options.close_code, "close_notes": f"{MARK}: {change.outcome}"}
        elif issue.outcome is not None and change.is_open:
            row["close_notes"] = ""
        self._door.send("PATCH", f"{self._path}/{issue.handle}", document=row)

    def read_remarks(self, issue_id: str) -> list[Remark]:
        query = f"element_id={self._find_row(issue_id)}^element=work_notes^ORDERBYsys_created_on"
        rows = self._pages("/api/now/table/sys_journal_field", query, "value,sys_created_on")
        return [
            Remark(day=row["sys_created_on"].day() or dt.date.min, text=row["value"].text()) for row in rows
        ]

    def add_remark(self, issue_id: str, text: str) -> None:
        self._door.send("PATCH", f"{self._path}/{self._find_row(issue_id)}", document={"work_notes": text})

    def show(self, text: str) -> str:
        # Plain text fields; a journal's one way to markup is [code], and values have no bracket.
        return text.strip()

    def _find_row(self, issue_id: str) -> str:
        """Return the sys_id of a number; it never changes, so each is asked for once."""
        return self._handles.get(issue_id) or self.read(issue_id).handle

    def _search(self, query: str) -> Iterator[JsonValue]:
        self._check_table()
        yield from self._pages(self._path, f"{query}^ORDERBYnumber", _FIELDS)

    def _pages(self, path: str, query: str, fields: str) -> Iterator[JsonValue]:
        for page in count():
            params: dict[str, Scalar] = {
                "sysparm_query": query,
                "sysparm_fields": fields,
                "sysparm_limit": _PAGE,
                "sysparm_offset": page * _PAGE,
                "sysparm_exclude_reference_link": "true",
            }
            rows = self._door.get(path, params).json()["result"].items()
            yield from rows
            if len(rows) < _PAGE:
                return

    def _read_issue(self, row: JsonValue) -> Issue:
        is_open = row["state"].text() not in self._options.closed_states
        said = _OUTCOME.match(row.get("close_notes").text())
        outcome = said.group(1).lower() if said else ""
        closed_on = row.get("resolved_at").day() or row.get("closed_at").day() or row["sys_updated_on"].day()
        self._handles[row["number"].text()] = row["sys_id"].text()
        return Issue(
            issue_id=row["number"].text(),
            handle=row["sys_id"].text(),
            is_open=is_open,
            title=row["short_description"].text(),
            text=row["description"].text(),
            key=row["correlation_id"].text() or None,
            outcome=Outcome(outcome) if outcome in set(Outcome) else None,
            closed_on=None if is_open else closed_on,
        )

    def _check_table(self) -> None:
        if not self._is_checked:
            read_place(
                self._door,
                f"{self._path}?sysparm_limit=1&sysparm_fields=sys_id",
                "table",
                self._options.table,
            )
            self._is_checked = True


def _mark(environment: str, opened_day: dt.date | None) -> str:
    # The blank after the environment keeps "prod" from finding "prod-eu".
    return f"{MARK} {environment} {opened_day or ''}"

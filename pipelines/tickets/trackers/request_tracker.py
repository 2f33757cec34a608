"""Request Tracker 5 over REST 2: a queue with the custom fields of ``infra/request_tracker_queue.pl``.

RT's search answers with nothing for a queue or field that does not exist, and an update that lacks a right
with 200, so the queue is looked at first and every reply to an update is read.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from itertools import count

from pydantic import Field

from pipelines.errors import ConfigError, PermanentError
from pipelines.settings import Settings
from pipelines.tickets import record
from pipelines.tickets.remote.credentials import TrackerCredentials
from pipelines.tickets.remote.http_door import HttpDoor
from pipelines.tickets.remote.http_errors import UNAFFECTED
from pipelines.tickets.remote.issue_tracker import IssueTracker
from pipelines.tickets.remote.issues import Change, Issue, Remark
from pipelines.tickets.remote.options import HttpOptions
from pipelines.tickets.remote.reply import JsonValue
from pipelines.tickets.ticket_errors import TicketDeletedError, TicketGoneError
from pipelines.tickets.tracker import Draft, Outcome

_FIELDS = ("PrefailKey", "PrefailEnvironment", "PrefailOpened", "PrefailText", "PrefailOutcome")
_PAGE = 100  # RT's largest
_KEYS_PER_SEARCH = 40  # keeps the address below 4 kB, which every proxy takes


class Options(HttpOptions):
    """Settings of a Request Tracker."""

    queue: str = Field(pattern=r"^[\w .-]{1,100}$", description="Queue of the tickets.")
    open_status: str = Field(default="open", description="Status of a ticket that is opened again.")
    closed_status: str = Field(default="resolved", description="Status of a ticket that we close.")
    closed_statuses: tuple[str, ...] = Field(
        default=("resolved", "rejected"), description="Statuses that mean closed, whoever set them."
    )


def open_tracker(settings: Settings) -> IssueTracker:
    """Return the tracker that ``[tickets.options]`` names; nothing is asked of it yet."""
    options = Options.model_validate(settings.tickets.options)
    credentials = TrackerCredentials.from_environment()
    # A token of RT has its own scheme; user and password work where RT allows them.
    signed = credentials.as_token("token") if credentials.token else credentials.as_basic()
    door = HttpDoor(
        options=options, headers={"Authorization": signed}, secrets=tuple(credentials.list_secrets())
    )
    return IssueTracker(RequestTracker(door, options))


class RequestTracker:
    """``Issues`` in one queue of RT."""

    longest_title = 200

    def __init__(self, door: HttpDoor, options: Options) -> None:
        self._door = door
        self._options = options
        self._is_checked = False

    def search_keys(self, keys: Sequence[str]) -> Iterator[Issue]:
        for start in range(0, len(keys), _KEYS_PER_SEARCH):
            part = keys[start : start + _KEYS_PER_SEARCH]
            yield from self._search(" OR ".join(f"'CF.{{PrefailKey}}' = '{key}'" for key in part))

    def search_environment(
        self, environment: str, *, opened_day: dt.date | None = None, is_open_only: bool = False
    ) -> Iterator[Issue]:
        query = f"'CF.{{PrefailEnvironment}}' = '{environment}'"
        if opened_day is not None:
            query += f" AND 'CF.{{PrefailOpened}}' = '{opened_day}'"
        if is_open_only:
            # Once a query names a status, RT no longer leaves out deleted tickets by itself.
            unwanted = (*self._options.closed_statuses, "deleted")
            query += "".join(f" AND Status != '{status}'" for status in unwanted)
        yield from self._search(query)

    def read(self, issue_id: str) -> Issue:
        if not (issue_id.isascii() and issue_id.isdecimal()):
            raise TicketGoneError(
                f"{issue_id!r} is no number of a ticket. Nothing was changed.", ticket_id=issue_id
            )
        reply = self._door.get(f"/REST/2.0/ticket/{issue_id}")
        ticket = reply.json()
        if ticket["id"].text() != issue_id:
            raise TicketDeletedError(
                f"Ticket {issue_id} was merged into {ticket['id'].text()}.", ticket_id=issue_id
            )
        if ticket["Status"].text() == "deleted":
            raise TicketDeletedError(f"Ticket {issue_id} was deleted.", ticket_id=issue_id)
        return self._read_issue(ticket, reply.header("ETag"))

    def open(self, draft: Draft) -> str:
        self._check_queue()
        ticket = {
            "Queue": self._options.queue,
            "Subject": draft.title,
            "Content": draft.body,
            "ContentType": "text/plain",
            "CustomFields": {
                "PrefailKey": draft.key,
                "PrefailEnvironment": draft.record.environment,
                "PrefailOpened": draft.record.opened_day.isoformat(),
                "PrefailText": draft.body,
            },
        }
        return self._door.send("POST", "/REST/2.0/ticket", document=ticket).json()["id"].text()

    def write(self, issue: Issue, change: Change) -> None:
        ticket: dict[str, object] = {
            "Subject": change.title,
            "CustomFields": {"PrefailText": change.text, "PrefailOutcome": change.outcome or ""},
        }
        if change.is_open != issue.is_open:
            ticket["Status"] = self._options.open_status if change.is_open else self._options.closed_status
        headers = {"If-Match": issue.version} if issue.version else {}
        reply = self._door.send("PUT", f"/REST/2.0/ticket/{issue.issue_id}", document=ticket, headers=headers)
        denied = [line.text() for line in reply.json().items() if "Permission Denied" in line.text()]
        if denied:
            raise PermanentError(
                f"Request Tracker did not change ticket {issue.issue_id}: {denied[0][:200]}. {UNAFFECTED}. Grant the "
                f"account ModifyTicket and ModifyCustomField on queue {self._options.queue}, then run the same "
                "command again.",
                ticket_id=issue.issue_id,
            )

    def read_remarks(self, issue_id: str) -> list[Remark]:
        remarks = []
        # One request for all texts; a comment's transaction does not hold its own.
        path = f"/REST/2.0/ticket/{issue_id}/attachments"
        for said in self._pages(path, {"fields": "Content,ContentType,Created"}):
            text = said.get("Content").text()
            if said.get("ContentType").text().startswith("text/plain") and record.BEGIN not in text:
                remarks.append(Remark(day=said["Created"].day() or dt.date.min, text=text))
        return remarks

    def add_remark(self, issue_id: str, text: str) -> None:
        said = {"Content": text, "ContentType": "text/plain"}
        self._door.send("POST", f"/REST/2.0/ticket/{issue_id}/comment", document=said)

    def show(self, text: str) -> str:
        return text  # sent as text/plain, and values are spelled so that RT's links don't fire

    def _search(self, condition: str) -> Iterator[Issue]:
        self._check_queue()
        query = f"Queue = '{self._options.queue}' AND ({condition})"
        fields = "Subject,Status,Resolved,CustomFields"
        for ticket in self._pages("/REST/2.0/tickets", {"query": query, "fields": fields, "orderby": "id"}):
            yield self._read_issue(ticket, None)

    def _pages(self, path: str, params: dict[str, str]) -> Iterator[JsonValue]:
        for page in count(1):
            items = self._door.get(path, {**params, "per_page": _PAGE, "page": page}).json()["items"].items()
            yield from items
            if len(items) < _PAGE:
                return

    def _read_issue(self, ticket: JsonValue, version: str | None) -> Issue:
        values = {
            field["name"].text(): field["values"].items() for field in ticket.get("CustomFields").items()
        }
        fields = {name: found[0].text() for name, found in values.items() if found}
        is_open = ticket["Status"].text() not in self._options.closed_statuses
        outcome = fields.get("PrefailOutcome", "")
        return Issue(
            issue_id=ticket["id"].text(),
            is_open=is_open,
            title=ticket["Subject"].text(),
            text=fields.get("PrefailText", ""),
            key=fields.get("PrefailKey") or None,
            outcome=Outcome(outcome) if outcome in set(Outcome) else None,
            closed_on=None if is_open else ticket["Resolved"].day(),
            version=version,
        )

    def _check_queue(self) -> None:
        """Raise ``ConfigError`` unless the queue is there with all fields; asked once."""
        if self._is_checked:
            return
        name = self._options.queue
        try:
            queue = self._door.get(f"/REST/2.0/queue/{name}").json()
        except PermanentError as error:
            if error.facts.get("status") not in (403, 404):
                raise
            raise ConfigError(
                f"Request Tracker has no queue {name!r}, or the account lacks the right SeeQueue on it. No ticket was "
                f"touched. {UNAFFECTED}. Correct tickets.options.queue or grant the right, then run the same "
                "command again.",
                queue=name,
                had_no_effect=True,
            ) from error
        known = {field.get("name").text() for field in queue.get("TicketCustomFields").items()}
        if missing := [field for field in _FIELDS if field not in known]:
            raise ConfigError(
                f"Queue {name!r} lacks the custom field(s) {', '.join(missing)}, or the account the right "
                f"SeeCustomField. No ticket was touched. {UNAFFECTED}. On RT's machine run: perl "
                f"infra/request_tracker_queue.pl '{name}', then run the same command again.",
                queue=name,
                had_no_effect=True,
            )
        self._is_checked = True

"""GitLab issues, on gitlab.com or a server of your own. Tickets are found by their labels."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from urllib.parse import quote

from pydantic import Field

from pipelines.settings import Settings
from pipelines.tickets.remote import issues, markdown
from pipelines.tickets.remote.credentials import TrackerCredentials
from pipelines.tickets.remote.http_door import HttpDoor
from pipelines.tickets.remote.issue_tracker import IssueTracker
from pipelines.tickets.remote.issues import Change, Issue, Remark
from pipelines.tickets.remote.options import HttpOptions
from pipelines.tickets.remote.place import read_place, read_ticket
from pipelines.tickets.remote.reply import JsonValue, Scalar
from pipelines.tickets.ticket_errors import TicketDeletedError, TicketGoneError
from pipelines.tickets.tracker import Draft

_PAGE = 100


class Options(HttpOptions):
    """Settings of GitLab."""

    url: str = Field(default="https://gitlab.com", description="Address of the server.")
    project: str = Field(
        pattern=r"^[A-Za-z0-9_][\w./-]{0,200}$", description="Path of the project (group/name) or its number."
    )


def open_tracker(settings: Settings) -> IssueTracker:
    """Return the tracker that ``[tickets.options]`` names; nothing is asked of it yet."""
    options = Options.model_validate(settings.tickets.options)
    credentials = TrackerCredentials.from_environment()
    return IssueTracker(GitLab(make_door(options, credentials), options))


def make_door(options: Options, credentials: TrackerCredentials) -> HttpDoor:
    """Return a door that names itself with an access token."""
    headers = {"PRIVATE-TOKEN": credentials.require_token()}
    return HttpDoor(options=options, headers=headers, secrets=tuple(credentials.list_secrets()))


class GitLab:
    """``Issues`` in one project. ``issue_id`` is the number within the project."""

    longest_title = 255

    def __init__(self, door: HttpDoor, options: Options) -> None:
        self._door = door
        self._project = options.project
        self._root = f"/api/v4/projects/{quote(options.project, safe='')}"
        self._is_checked = False

    def search_keys(self, keys: Sequence[str]) -> Iterator[Issue]:
        # Several labels mean all of them, not any: one request a key.
        for key in keys:
            yield from self._search([issues.label_key(key)], "all")

    def search_environment(
        self, environment: str, *, opened_day: dt.date | None = None, is_open_only: bool = False
    ) -> Iterator[Issue]:
        labels = [issues.label_environment(environment)]
        if opened_day is not None:
            labels.append(issues.label_opened_day(environment, opened_day))
        yield from self._search(labels, "opened" if is_open_only else "all")

    def read(self, issue_id: str) -> Issue:
        if not (issue_id.isascii() and issue_id.isdecimal()):
            raise TicketGoneError(
                f"{issue_id!r} is no number of an issue. Nothing was changed.", ticket_id=issue_id
            )
        issue = read_ticket(self._door, f"{self._root}/issues/{issue_id}", issue_id)
        # Moving closes the issue and leaves it behind.
        if issue.get("moved_to_id").value is not None:
            raise TicketDeletedError(f"Ticket {issue_id} was moved to another project.", ticket_id=issue_id)
        return _read_issue(issue)

    def open(self, draft: Draft) -> str:
        self._check_project()
        issue = {
            "title": draft.title,
            "description": draft.body,
            "labels": ",".join(issues.list_labels(draft)),
        }
        return self._door.send("POST", f"{self._root}/issues", document=issue).json()["iid"].text()

    def write(self, issue: Issue, change: Change) -> None:
        document: dict[str, object] = {
            "title": change.title,
            "description": change.text,
            "labels": ",".join(issues.relabel(issue.labels, change.outcome)),
        }
        if change.is_open != issue.is_open:
            document["state_event"] = "reopen" if change.is_open else "close"
        self._door.send("PUT", f"{self._root}/issues/{issue.issue_id}", document=document)

    def read_remarks(self, issue_id: str) -> list[Remark]:
        notes = self._pages(
            f"{self._root}/issues/{issue_id}/notes", {"sort": "asc", "order_by": "created_at"}
        )
        return [
            Remark(day=said["created_at"].day() or dt.date.min, text=markdown.unfence(said["body"].text()))
            for said in notes
            # GitLab's own notes say what was changed.
            if said.get("system").value is not True
        ]

    def add_remark(self, issue_id: str, text: str) -> None:
        self._door.send("POST", f"{self._root}/issues/{issue_id}/notes", document={"body": text})

    def show(self, text: str) -> str:
        return markdown.fence(text)

    def _search(self, labels: list[str], state: str) -> Iterator[Issue]:
        self._check_project()
        params = {"labels": ",".join(labels), "state": state, "order_by": "created_at", "sort": "asc"}
        for issue in self._pages(f"{self._root}/issues", params):
            yield _read_issue(issue)

    def _pages(self, path: str, params: Mapping[str, Scalar]) -> Iterator[JsonValue]:
        for page in count(1):
            items = self._door.get(path, {**params, "per_page": _PAGE, "page": page}).json().items()
            yield from items
            if len(items) < _PAGE:
                return

    def _check_project(self) -> None:
        if not self._is_checked:
            read_place(self._door, self._root, "project", self._project)
            self._is_checked = True


def _read_issue(issue: JsonValue) -> Issue:
    labels = tuple(label.text() for label in issue["labels"].items())
    is_open = issue["state"].text() == "opened"
    return Issue(
        issue_id=issue["iid"].text(),
        is_open=is_open,
        title=issue["title"].text(),
        text=issue.get("description").text(),
        key=issues.read_key(labels),
        outcome=issues.read_outcome(labels),
        closed_on=None if is_open else issue["closed_at"].day(),
        labels=labels,
    )

"""GitHub issues, on github.com or an Enterprise server. Tickets are found by their labels."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from itertools import count

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
from pipelines.tickets.ticket_errors import TicketGoneError
from pipelines.tickets.tracker import Draft

_PAGE = 100


class Options(HttpOptions):
    """Settings of GitHub."""

    url: str = Field(
        default="https://api.github.com", description="Address of the API; https://HOST/api/v3 on Enterprise."
    )
    repository: str = Field(
        pattern=r"^[A-Za-z0-9-]{1,39}/[\w.-]*[\w-][\w.-]*$",
        max_length=140,
        description="owner/name of the repository.",
    )


def open_tracker(settings: Settings) -> IssueTracker:
    """Return the tracker that ``[tickets.options]`` names; nothing is asked of it yet."""
    options = Options.model_validate(settings.tickets.options)
    credentials = TrackerCredentials.from_environment()
    return IssueTracker(GitHub(make_door(options, credentials), options))


def make_door(options: Options, credentials: TrackerCredentials) -> HttpDoor:
    """Return a door that names itself with a token and the version of the API that this was written for."""
    headers = {"Authorization": credentials.as_token(), "X-GitHub-Api-Version": "2022-11-28"}
    return HttpDoor(options=options, headers=headers, secrets=tuple(credentials.list_secrets()))


class GitHub:
    """``Issues`` in one repository. Lists by label are up to date at once, unlike GitHub's search."""

    longest_title = 256

    def __init__(self, door: HttpDoor, options: Options) -> None:
        self._door = door
        self._repository = options.repository
        self._root = f"/repos/{options.repository}"
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
        yield from self._search(labels, "open" if is_open_only else "all")

    def read(self, issue_id: str) -> Issue:
        if not (issue_id.isascii() and issue_id.isdecimal()):
            raise TicketGoneError(
                f"{issue_id!r} is no number of an issue. Nothing was changed.", ticket_id=issue_id
            )
        return _read_issue(read_ticket(self._door, f"{self._root}/issues/{issue_id}", issue_id))

    def open(self, draft: Draft) -> str:
        self._check_repository()
        issue = {"title": draft.title, "body": draft.body, "labels": issues.list_labels(draft)}
        return self._door.send("POST", f"{self._root}/issues", document=issue).json()["number"].text()

    def write(self, issue: Issue, change: Change) -> None:
        document: dict[str, object] = {
            "title": change.title,
            "body": change.text,
            "labels": issues.relabel(issue.labels, change.outcome),
        }
        if change.is_open != issue.is_open:
            document["state"] = "open" if change.is_open else "closed"
        self._door.send("PATCH", f"{self._root}/issues/{issue.issue_id}", document=document)

    def read_remarks(self, issue_id: str) -> list[Remark]:
        return [
            Remark(
                day=said["created_at"].day() or dt.date.min, text=markdown.unfence(said.get("body").text())
            )
            for said in self._pages(f"{self._root}/issues/{issue_id}/comments", {})
        ]

    def add_remark(self, issue_id: str, text: str) -> None:
        path = f"{self._root}/issues/{issue_id}/comments"
        self._door.send("POST", path, document={"body": text})

    def show(self, text: str) -> str:
        return markdown.fence(text)

    def _search(self, labels: list[str], state: str) -> Iterator[Issue]:
        self._check_repository()
        params = {"labels": ",".join(labels), "state": state, "sort": "created", "direction": "asc"}
        for issue in self._pages(f"{self._root}/issues", params):
            # GitHub lists pull requests among the issues.
            if issue.get("pull_request").value is None:
                yield _read_issue(issue)

    def _pages(self, path: str, params: Mapping[str, Scalar]) -> Iterator[JsonValue]:
        for page in count(1):
            items = self._door.get(path, {**params, "per_page": _PAGE, "page": page}).json().items()
            yield from items
            if len(items) < _PAGE:
                return

    def _check_repository(self) -> None:
        if not self._is_checked:
            read_place(self._door, self._root, "repository", self._repository)
            self._is_checked = True


def _read_issue(issue: JsonValue) -> Issue:
    labels = tuple(label["name"].text() for label in issue["labels"].items())
    is_open = issue["state"].text() == "open"
    return Issue(
        issue_id=issue["number"].text(),
        is_open=is_open,
        title=issue["title"].text(),
        text=issue.get("body").text(),
        key=issues.read_key(labels),
        outcome=issues.read_outcome(labels),
        closed_on=None if is_open else issue["closed_at"].day(),
        labels=labels,
    )

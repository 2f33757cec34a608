"""Jira: Cloud (REST v3) and Data Center (REST v2). Tickets are found by their labels."""

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from typing import Literal

from pydantic import Field

from pipelines.errors import PermanentError
from pipelines.settings import Settings
from pipelines.tickets.remote import issues, jira_markup
from pipelines.tickets.remote.credentials import TrackerCredentials
from pipelines.tickets.remote.http_door import HttpDoor
from pipelines.tickets.remote.http_errors import UNAFFECTED
from pipelines.tickets.remote.issue_tracker import IssueTracker
from pipelines.tickets.remote.issues import Change, Issue, Remark
from pipelines.tickets.remote.options import HttpOptions
from pipelines.tickets.remote.place import read_place, read_ticket
from pipelines.tickets.remote.reply import JsonValue
from pipelines.tickets.ticket_errors import TicketDeletedError, TicketGoneError
from pipelines.tickets.tracker import Draft

_FIELDS = ["summary", "description", "status", "labels", "resolutiondate", "updated"]
_PAGE = 100  # what Cloud gives at most with these fields
_KEYS_PER_SEARCH = 100


class Options(HttpOptions):
    """Settings of a Jira."""

    flavour: Literal["cloud", "data_center"] = Field(default="cloud", description="Which Jira it is.")
    project: str = Field(pattern=r"^[A-Z][A-Z0-9_]{1,40}$", description="Key of the project.")
    issue_type: str = Field(default="Task", description="Type of the issues.")
    notify_users: bool = Field(
        default=False,
        description="Mail watchers at every change; switching that off needs an administrator's right.",
    )


def open_tracker(settings: Settings) -> IssueTracker:
    """Return the tracker that ``[tickets.options]`` names; nothing is asked of it yet."""
    options = Options.model_validate(settings.tickets.options)
    credentials = TrackerCredentials.from_environment()
    # Cloud: account and its API token. Data Center: the same, or a personal access token alone.
    signed = credentials.as_basic() if credentials.user else credentials.as_token()
    door = HttpDoor(
        options=options, headers={"Authorization": signed}, secrets=tuple(credentials.list_secrets())
    )
    return IssueTracker(Jira(door, options))


class Jira:
    """``Issues`` in one project."""

    longest_title = 255

    def __init__(self, door: HttpDoor, options: Options) -> None:
        self._door = door
        self._options = options
        self._is_cloud = options.flavour == "cloud"
        self._root = "/rest/api/3" if self._is_cloud else "/rest/api/2"
        self._is_checked = False

    def search_keys(self, keys: Sequence[str]) -> Iterator[Issue]:
        for start in range(0, len(keys), _KEYS_PER_SEARCH):
            labels = ", ".join(f'"{issues.label_key(key)}"' for key in keys[start : start + _KEYS_PER_SEARCH])
            yield from self._search(f"labels in ({labels})")

    def search_environment(
        self, environment: str, *, opened_day: dt.date | None = None, is_open_only: bool = False
    ) -> Iterator[Issue]:
        query = f'labels = "{issues.label_environment(environment)}"'
        if opened_day is not None:
            query += f' AND labels = "{issues.label_opened_day(environment, opened_day)}"'
        yield from self._search(query + (" AND statusCategory != Done" if is_open_only else ""))

    def read(self, issue_id: str) -> Issue:
        if not issue_id.replace("-", "").isalnum() or not issue_id.isascii():
            raise TicketGoneError(
                f"{issue_id!r} is no key of an issue. Nothing was changed.", ticket_id=issue_id
            )
        path = f"{self._root}/issue/{issue_id}?fields={','.join(_FIELDS)}"
        issue = self._read_issue(read_ticket(self._door, path, issue_id))
        if issue.issue_id != issue_id:
            raise TicketDeletedError(
                f"Ticket {issue_id} was moved and is now {issue.issue_id}.", ticket_id=issue_id
            )
        return issue

    def open(self, draft: Draft) -> str:
        self._check_project()
        fields = {
            "project": {"key": self._options.project},
            "issuetype": {"name": self._options.issue_type},
            "summary": draft.title,
            "description": self._write_text(draft.body),
            "labels": issues.list_labels(draft),
        }
        return (
            self._door.send("POST", f"{self._root}/issue", document={"fields": fields}).json()["key"].text()
        )

    def write(self, issue: Issue, change: Change) -> None:
        fields = {
            "summary": change.title,
            "description": self._write_text(change.text, issue.handle),
            "labels": issues.relabel(issue.labels, change.outcome),
        }
        path = f"{self._root}/issue/{issue.issue_id}"
        notify = {} if self._options.notify_users else {"notifyUsers": "false"}
        self._door.send("PUT", path, params=notify, document={"fields": fields})
        if change.is_open != issue.is_open:
            self._move(issue.issue_id, change.is_open)

    def read_remarks(self, issue_id: str) -> list[Remark]:
        remarks: list[Remark] = []
        while True:
            params = {"startAt": len(remarks), "maxResults": _PAGE}
            page = self._door.get(f"{self._root}/issue/{issue_id}/comment", params).json()
            said = page["comments"].items()
            for comment in said:
                body = comment["body"]
                text = (
                    jira_markup.read_document(body) if self._is_cloud else jira_markup.read_wiki(body.text())
                )
                remarks.append(Remark(day=comment["created"].day() or dt.date.min, text=text))
            if not said or len(remarks) >= int(page["total"].text()):
                return remarks

    def add_remark(self, issue_id: str, text: str) -> None:
        path = f"{self._root}/issue/{issue_id}/comment"
        self._door.send("POST", path, document={"body": self._write_text(text)})

    def show(self, text: str) -> str:
        return text.strip() if self._is_cloud else jira_markup.write_wiki(text)

    def _write_text(self, text: str, previous: str = "") -> object:
        return jira_markup.write_document(text, previous) if self._is_cloud else text

    def _search(self, condition: str) -> Iterator[Issue]:
        self._check_project()
        jql = f'project = "{self._options.project}" AND {condition} ORDER BY created ASC, key ASC'
        asked: dict[str, object] = {"jql": jql, "fields": _FIELDS, "maxResults": _PAGE}
        n_seen = 0
        while True:
            path = f"{self._root}/search/jql" if self._is_cloud else f"{self._root}/search"
            page = self._door.send("POST", path, document=asked, is_repeatable=True).json()
            found = page["issues"].items()
            yield from (self._read_issue(issue) for issue in found)
            n_seen += len(found)
            if self._is_cloud:
                asked["nextPageToken"] = page.get("nextPageToken").text()
            else:
                asked["startAt"] = n_seen
            is_last = (
                not asked.get("nextPageToken") if self._is_cloud else n_seen >= int(page["total"].text())
            )
            if is_last or not found:
                return

    def _read_issue(self, issue: JsonValue) -> Issue:
        fields = issue["fields"]
        labels = tuple(label.text() for label in fields["labels"].items())
        is_open = fields["status"]["statusCategory"]["key"].text() != "done"
        described = fields.get("description")
        text = jira_markup.read_document(described) if self._is_cloud else described.text()
        return Issue(
            issue_id=issue["key"].text(),
            is_open=is_open,
            title=fields["summary"].text(),
            text=text,
            key=issues.read_key(labels),
            outcome=issues.read_outcome(labels),
            # Not every workflow sets a resolution.
            closed_on=None if is_open else fields.get("resolutiondate").day() or fields["updated"].day(),
            handle=json.dumps(described.value) if self._is_cloud and described.value else "",
            labels=labels,
        )

    def _move(self, issue_id: str, is_open: bool) -> None:
        path = f"{self._root}/issue/{issue_id}/transitions"
        known = self._door.get(path).json()["transitions"].items()
        for transition in known:
            if (transition["to"]["statusCategory"]["key"].text() != "done") is is_open:
                chosen = {"transition": {"id": transition["id"].text()}}
                self._door.send("POST", path, document=chosen)
                return
        names = ", ".join(transition["name"].text() for transition in known) or "none"
        verb = "open" if is_open else "close"
        raise PermanentError(
            f"Jira's workflow does not let this account {verb} {issue_id} (transitions: {names}). "
            f"{UNAFFECTED}. Grant the right Transition Issues or add a transition, then run the same command again.",
            ticket_id=issue_id,
        )

    def _check_project(self) -> None:
        if not self._is_checked:
            read_place(
                self._door, f"{self._root}/project/{self._options.project}", "project", self._options.project
            )
            self._is_checked = True

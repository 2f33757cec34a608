"""Small GitHub and GitLab servers: issues with labels and remarks, kept in memory; and people at them."""

from dataclasses import dataclass
from typing import Any

from small_server import Answer, Request, SmallServer

TOKEN = "secret-token-0123456789"


class LabelServer(SmallServer):
    """What the two have in common. ``issues`` by number; null is a deleted one."""

    open_state = "open"

    def __init__(self) -> None:
        super().__init__()
        self.issues: dict[int, dict[str, Any] | None] = {}
        self.remarks: dict[int, list[dict[str, Any]]] = {}

    def add(self, **fields: Any) -> dict[str, Any]:
        number = len(self.issues) + 1
        issue = {"number": number, "iid": number, "state": self.open_state, "closed_at": None, **fields}
        self.issues[number], self.remarks[number] = issue, []
        return issue

    def say(self, number: int, text: str, **fields: Any) -> dict[str, Any]:
        remark = {"body": text, "created_at": self.now(), **fields}
        self.remarks[number].append(remark)
        return remark

    def shut(self, issue: dict[str, Any]) -> None:
        issue.update(state="closed", closed_at=self.now())

    def open(self, issue: dict[str, Any]) -> None:
        issue.update(state=self.open_state, closed_at=None)

    def page(self, items: list[Any], request: Request) -> Answer:
        size, page = int(request.query["per_page"]), int(request.query["page"])
        assert size <= 100
        return Answer(200, items[(page - 1) * size : page * size])

    def select(self, request: Request, names: dict[int, set[str]]) -> list[dict[str, Any]]:
        wanted = set(request.query["labels"].split(","))
        state = request.query["state"]
        return [
            issue
            for number, issue in self.issues.items()
            if issue is not None and wanted <= names[number] and state in ("all", issue["state"])
        ]


class GitHubServer(LabelServer):
    """One repository, team/hardware. Issues 410 when deleted; pull requests among the issues."""

    def answer(self, request: Request) -> Answer:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return Answer(401, {"message": "Bad credentials"})
        match request.method, request.parts:
            case "GET", ["repos", "team", "hardware"]:
                return Answer(200, {"full_name": "team/hardware"})
            case "GET", ["repos", "team", "hardware", "issues"]:
                names = {
                    number: {label["name"] for label in issue["labels"]} if issue else set()
                    for number, issue in self.issues.items()
                }
                found = self.select(request, names)
                pull = {"number": 9999, "pull_request": {"url": "x"}, "title": "no issue"}
                return self.page([*found, pull], request)
            case "POST", ["repos", "team", "hardware", "issues"]:
                return Answer(201, self.add(**self.translate(request.document)))
            case method, ["repos", "team", "hardware", "issues", number, *rest] if number.isdecimal():
                issue = self.issues.get(int(number))
                if issue is None:
                    return Answer(410 if int(number) in self.issues else 404, {"message": "gone"})
                return self.answer_issue(method, issue, rest, request)
        return Answer(404, {"message": "Not Found"})

    def answer_issue(self, method: str, issue: dict[str, Any], rest: list[str], request: Request) -> Answer:
        number = issue["number"]
        match method, rest:
            case "GET", []:
                return Answer(200, issue)
            case "PATCH", []:
                change = self.translate(request.document)
                state = change.pop("state", issue["state"])
                issue.update(change)
                if state != issue["state"]:
                    self.shut(issue) if state == "closed" else self.open(issue)
                return Answer(200, issue)
            case "GET", ["comments"]:
                return self.page(self.remarks[number], request)
            case "POST", ["comments"]:
                return Answer(201, self.say(number, request.document["body"]))
        return Answer(404, {"message": "Not Found"})

    def translate(self, document: dict[str, Any]) -> dict[str, Any]:
        assert len(document["title"]) <= 256
        assert len(document["body"]) <= 65536
        assert all(len(label) <= 50 for label in document["labels"])
        return {**document, "labels": [{"name": label} for label in document["labels"]]}


class GitLabServer(LabelServer):
    """One project, team/hardware."""

    open_state = "opened"

    def answer(self, request: Request) -> Answer:
        if request.headers.get("PRIVATE-TOKEN") != TOKEN:
            return Answer(401, {"message": "401 Unauthorized"})
        match request.method, request.parts:
            case "GET", ["api", "v4", "projects", "team/hardware"]:
                return Answer(200, {"id": 7})
            case "GET", ["api", "v4", "projects", "team/hardware", "issues"]:
                names = {
                    number: set(issue["labels"]) if issue else set() for number, issue in self.issues.items()
                }
                return self.page(self.select(request, names), request)
            case "POST", ["api", "v4", "projects", "team/hardware", "issues"]:
                return Answer(201, self.add(moved_to_id=None, **self.translate(request.document)))
            case method, ["api", "v4", "projects", "team/hardware", "issues", number, *rest] if (
                number.isdecimal()
            ):
                issue = self.issues.get(int(number))
                if issue is None:
                    return Answer(404, {"message": "404 Not found"})
                return self.answer_issue(method, issue, rest, request)
        return Answer(404, {"message": "404 Project Not Found"})

    def answer_issue(self, method: str, issue: dict[str, Any], rest: list[str], request: Request) -> Answer:
        number = issue["number"]
        match method, rest:
            case "GET", []:
                return Answer(200, issue)
            case "PUT", []:
                change = self.translate(request.document)
                event = change.pop("state_event", None)
                issue.update(change)
                if event is not None:
                    self.shut(issue) if event == "close" else self.open(issue)
                    self.say(number, "changed the state", system=True)
                return Answer(200, issue)
            case "GET", ["notes"]:
                return self.page(self.remarks[number], request)
            case "POST", ["notes"]:
                return Answer(201, self.say(number, request.document["body"], system=False))
        return Answer(404, {"message": "404 Not found"})

    def translate(self, document: dict[str, Any]) -> dict[str, Any]:
        assert len(document["title"]) <= 255
        return {**document, "labels": [label for label in document["labels"].split(",") if label]}


@dataclass(frozen=True)
class LabelPeople:
    """Persons at GitHub or GitLab. Labels are dictionaries in the one, strings in the other."""

    server: LabelServer

    def issue(self, ticket_id: str) -> dict[str, Any]:
        issue = self.server.issues[int(ticket_id)]
        assert issue is not None
        return issue

    def close(self, ticket_id: str) -> None:
        self.server.shut(self.issue(ticket_id))

    def relabel(self, ticket_id: str, prefix: str, label: str | None) -> None:
        issue = self.issue(ticket_id)
        are_dictionaries = isinstance(self.server, GitHubServer)
        names = [one["name"] if are_dictionaries else one for one in issue["labels"]]
        names = [name for name in names if not name.startswith(prefix)] + ([label] if label else [])
        issue["labels"] = [{"name": name} for name in names] if are_dictionaries else names

    def set_outcome(self, ticket_id: str, outcome: str) -> None:
        self.relabel(ticket_id, "prefail-outcome-", f"prefail-outcome-{outcome.replace('_', '-')}")

    def set_key(self, ticket_id: str, key: str | None) -> None:
        self.relabel(ticket_id, "prefail-key-", f"prefail-key-{key}" if key else None)

    def set_text(self, ticket_id: str, text: str) -> None:
        issue = self.issue(ticket_id)
        issue["body" if "body" in issue else "description"] = text

    def say(self, ticket_id: str, text: str) -> None:
        self.server.say(int(ticket_id), text, system=False)

    def delete(self, ticket_id: str) -> None:
        self.server.issues[int(ticket_id)] = None

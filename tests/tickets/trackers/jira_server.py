"""A small Jira, Cloud (v3) or Data Center (v2): projects, labels, a workflow, pages; and people at it."""

import copy
import re
from dataclasses import dataclass
from typing import Any

from small_server import Answer, Request, SmallServer

AUTHORIZATION = (
    "Basic cGlwZWxpbmVAdGVzdC5pbnZhbGlkOnNlY3JldC10b2tlbi0wMTIz"  # pipeline@test.invalid:secret-token-0123
)
STATUSES = {"11": ("To Do", "new"), "31": ("Done", "done")}


class JiraServer(SmallServer):
    """Project OPS. JQL is understood as far as it is used, anything else is an error as in Jira."""

    def __init__(self, version: int) -> None:
        super().__init__()
        self.root = ["rest", "api", str(version)]
        self.is_cloud = version == 3
        self.issues: dict[str, dict[str, Any] | None] = {}
        self.comments: dict[str, list[dict[str, Any]]] = {}
        self.moved: dict[str, str] = {}
        self.found: dict[str, list[str]] = {}

    def answer(self, request: Request) -> Answer:
        if request.headers.get("Authorization") != AUTHORIZATION:
            return Answer(401, {"errorMessages": ["Client must be authenticated"]})
        if request.parts[:3] != self.root:
            return Answer(404, {"errorMessages": ["null for uri"]})
        match request.method, request.parts[3:]:
            case "GET", ["project", key]:
                return (
                    Answer(200, {"key": key})
                    if key == "OPS"
                    else Answer(404, {"errorMessages": ["No project"]})
                )
            case "POST", ["search", "jql"] if self.is_cloud:
                return self.search(request.document)
            case "POST", ["search"] if not self.is_cloud:
                return self.search(request.document)
            case "POST", ["issue"]:
                return self.create(request.document["fields"])
            case method, ["issue", key, *rest]:
                key = self.moved.get(key, key)
                fields = self.issues.get(key)
                if fields is None:
                    return Answer(
                        404, {"errorMessages": ["Issue does not exist or you do not have permission"]}
                    )
                return self.answer_issue(method, key, fields, rest, request)
        return Answer(405, {"errorMessages": ["no such method"]})

    def create(self, fields: dict[str, Any]) -> Answer:
        if fields["project"]["key"] != "OPS":
            return Answer(400, {"errors": {"project": "valid project is required"}})
        assert len(fields["summary"]) <= 255
        assert not any(" " in label for label in fields["labels"])
        key = f"OPS-{len(self.issues) + 1}"
        self.issues[key] = {
            **fields,
            "status": self.status("11"),
            "resolutiondate": None,
            "updated": self.now(),
        }
        self.comments[key] = []
        return Answer(201, {"id": str(10000 + len(self.issues)), "key": key})

    def answer_issue(
        self, method: str, key: str, fields: dict[str, Any], rest: list[str], request: Request
    ) -> Answer:
        match method, rest:
            case "GET", []:
                return Answer(200, self.show(key, fields, request.query["fields"].split(",")))
            case "PUT", []:
                assert request.query.get("notifyUsers") == "false"
                fields.update(request.document["fields"], updated=self.now())
                return Answer(204)
            case "GET", ["transitions"]:
                return Answer(
                    200,
                    {
                        "transitions": [
                            {"id": number, "name": name, "to": self.status(number)}
                            for number, (name, _) in STATUSES.items()
                        ]
                    },
                )
            case "POST", ["transitions"]:
                self.move(key, request.document["transition"]["id"])
                return Answer(204)
            case "GET", ["comment"]:
                said = self.comments[key]
                start, size = int(request.query["startAt"]), int(request.query["maxResults"])
                return Answer(
                    200, {"comments": said[start : start + size], "total": len(said), "startAt": start}
                )
            case "POST", ["comment"]:
                return Answer(201, self.say(key, request.document["body"]))
        return Answer(405, {"errorMessages": ["no such method"]})

    def search(self, asked: dict[str, Any]) -> Answer:
        start = int(asked.get("nextPageToken") or asked.get("startAt") or 0)
        if start == 0:
            self.found[asked["jql"]] = [
                key
                for key, fields in self.issues.items()
                if fields is not None and self.fits(asked["jql"], fields)
            ]
        found = self.found[asked["jql"]]
        size = min(asked["maxResults"], 100)
        page = [
            self.show(key, fields, asked["fields"])
            for key in found[start : start + size]
            if (fields := self.issues[key]) is not None
        ]
        if not self.is_cloud:
            return Answer(200, {"issues": page, "total": len(found), "startAt": start})
        more = {"nextPageToken": str(start + size)} if start + size < len(found) else {"isLast": True}
        return Answer(200, {"issues": page, **more})

    def fits(self, jql: str, fields: dict[str, Any]) -> bool:
        condition = jql.removesuffix(" ORDER BY created ASC, key ASC")
        for term in condition.split(" AND "):
            if term == 'project = "OPS"':
                continue
            if term == "statusCategory != Done":
                if fields["status"]["statusCategory"]["key"] == "done":
                    return False
            elif same := re.fullmatch(r'labels = "([^"]+)"', term):
                if same.group(1) not in fields["labels"]:
                    return False
            elif among := re.fullmatch(r'labels in \(("[^"]+"(?:, "[^"]+")*)\)', term):
                if not set(fields["labels"]) & {label.strip('"') for label in among.group(1).split(", ")}:
                    return False
            else:
                raise AssertionError(f"no JQL: {term}")
        return True

    def show(self, key: str, fields: dict[str, Any], wanted: list[str]) -> dict[str, Any]:
        shown = {name: value for name, value in fields.items() if name in wanted}
        return {"id": key, "key": key, "fields": copy.deepcopy(shown)}

    def status(self, number: str) -> dict[str, Any]:
        name, category = STATUSES[number]
        return {"name": name, "statusCategory": {"key": category}}

    def move(self, key: str, number: str) -> None:
        fields = self.issues[key]
        assert fields is not None
        # This workflow sets no resolution in v2.
        closed_at = self.now().replace("+00:00", ".000+0000") if number == "31" and self.is_cloud else None
        fields.update(status=self.status(number), resolutiondate=closed_at, updated=self.now())

    def say(self, key: str, body: object) -> dict[str, Any]:
        comment = {"id": str(len(self.comments[key])), "body": body, "created": self.now()}
        self.comments[key].append(comment)
        return comment

    def write(self, text: str) -> object:
        """Return a text as a person would have typed it."""
        if not self.is_cloud:
            return text
        paragraph = {"type": "paragraph", "content": [{"type": "text", "text": text}]}
        return {"type": "doc", "version": 1, "content": [paragraph]}


@dataclass(frozen=True)
class JiraPeople:
    """Persons at Jira."""

    server: JiraServer

    def fields(self, ticket_id: str) -> dict[str, Any]:
        fields = self.server.issues[ticket_id]
        assert fields is not None
        return fields

    def close(self, ticket_id: str) -> None:
        self.server.move(ticket_id, "31")

    def set_outcome(self, ticket_id: str, outcome: str) -> None:
        self.fields(ticket_id)["labels"].append(f"prefail-outcome-{outcome.replace('_', '-')}")

    def set_key(self, ticket_id: str, key: str | None) -> None:
        labels = self.fields(ticket_id)["labels"]
        kept = [label for label in labels if not label.startswith("prefail-key-")]
        self.fields(ticket_id)["labels"] = kept + ([f"prefail-key-{key}"] if key else [])

    def set_text(self, ticket_id: str, text: str) -> None:
        self.fields(ticket_id)["description"] = self.server.write(text)

    def say(self, ticket_id: str, text: str) -> None:
        self.server.say(ticket_id, self.server.write(text))

    def delete(self, ticket_id: str) -> None:
        self.server.issues[ticket_id] = None

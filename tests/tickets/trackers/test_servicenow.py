"""ServiceNow's Table API against a small server that is as lenient with queries as the real one."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from small_server import Answer, Request, SmallServer, serve
from tracker_rules import TrackerRules, make_draft

from pipelines.errors import ConfigError, PermanentError
from pipelines.tickets.remote.http_door import HttpDoor
from pipelines.tickets.remote.issue_tracker import IssueTracker
from pipelines.tickets.trackers.servicenow import Options, ServiceNow


class TableServer(SmallServer):
    """Table incident. A term of a query that it does not understand is dropped, as ServiceNow does."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[str, dict[str, str]] = {}
        self.journal: list[dict[str, str]] = []
        self.understands = True

    def now(self) -> str:
        return super().now()[:19].replace("T", " ")

    def answer(self, request: Request) -> Answer:
        if request.headers.get("Authorization") != "Bearer secret-token-0123":
            return Answer(401, {"error": {"message": "User Not Authenticated"}, "status": "failure"})
        match request.method, request.parts:
            case "GET", ["api", "now", "table", "incident"]:
                return self.page(list(self.rows.values()), request)
            case "GET", ["api", "now", "table", "sys_journal_field"]:
                return self.page(self.journal, request)
            case "POST", ["api", "now", "table", "incident"]:
                return Answer(201, {"result": self.add(request.document)})
            case "PATCH", ["api", "now", "table", "incident", sys_id] if sys_id in self.rows:
                return Answer(200, {"result": self.change(self.rows[sys_id], request.document)})
        return Answer(404, {"error": {"message": "No Record found"}, "status": "failure"})

    def add(self, document: dict[str, str]) -> dict[str, str]:
        number = len(self.rows) + 1
        row = {
            "sys_id": f"{number:032x}",
            "number": f"INC{10000 + number:07d}",
            "state": "1",
            "close_notes": "",
        }
        row |= {"closed_at": "", "resolved_at": "", "sys_updated_on": self.now()}
        self.rows[row["sys_id"]] = row
        return self.change(row, document)

    def change(self, row: dict[str, str], document: dict[str, str]) -> dict[str, str]:
        assert len(document.get("short_description", "")) <= 160
        if document.get("state") == "6" and row["state"] != "6":
            row["resolved_at"] = self.now()
        if remark := document.pop("work_notes", None):
            self.say(row["sys_id"], remark)
        row.update(document, sys_updated_on=self.now())
        return row

    def say(self, sys_id: str, text: str) -> None:
        self.journal.append(
            {"element_id": sys_id, "element": "work_notes", "value": text, "sys_created_on": self.now()}
        )

    def page(self, rows: list[dict[str, str]], request: Request) -> Answer:
        query = request.query.get("sysparm_query", "")
        found = [row for row in rows if all(self.fits(term, row) for term in query.split("^"))]
        start, size = int(request.query.get("sysparm_offset", 0)), int(request.query["sysparm_limit"])
        wanted = request.query["sysparm_fields"].split(",")
        shown = [{name: row[name] for name in wanted if name in row} for row in found[start : start + size]]
        return Answer(200, {"result": shown})

    def fits(self, term: str, row: dict[str, str]) -> bool:
        if term.startswith("ORDERBY") or not term or not self.understands:
            return True
        parsed = re.fullmatch(r"([a-z_]+)(STARTSWITH|NOT IN|IN|=)(.*)", term)
        if parsed is None or parsed.group(1) not in row:
            return True
        name, operator, value = parsed.groups()
        match operator:
            case "=":
                return row[name] == value
            case "STARTSWITH":
                return row[name].startswith(value)
            case "IN":
                return row[name] in value.split(",")
            case _:
                return row[name] not in value.split(",")


@dataclass(frozen=True)
class TablePeople:
    """Persons at ServiceNow."""

    server: TableServer

    def row(self, ticket_id: str) -> dict[str, Any]:
        return next(row for row in self.server.rows.values() if row["number"] == ticket_id)

    def close(self, ticket_id: str) -> None:
        self.server.change(self.row(ticket_id), {"state": "6"})

    def set_outcome(self, ticket_id: str, outcome: str) -> None:
        self.row(ticket_id)["close_notes"] = f"Prefail: {outcome}, the cable was loose"

    def set_key(self, ticket_id: str, key: str | None) -> None:
        self.row(ticket_id)["correlation_id"] = key or ""

    def set_text(self, ticket_id: str, text: str) -> None:
        self.row(ticket_id)["description"] = text

    def say(self, ticket_id: str, text: str) -> None:
        self.server.say(self.row(ticket_id)["sys_id"], text)

    def delete(self, ticket_id: str) -> None:
        del self.server.rows[self.row(ticket_id)["sys_id"]]


def open_servicenow(server: TableServer, **options: object) -> IssueTracker:
    checked = Options.model_validate({"url": server.url, **options})
    door = HttpDoor(options=checked, headers={"Authorization": "Bearer secret-token-0123"})
    return IssueTracker(ServiceNow(door, checked))


class TestServiceNow(TrackerRules):
    """The rules of every tracker, and the Table API's own trap."""

    @pytest.fixture
    def server(self) -> Iterator[TableServer]:
        server = TableServer()
        with serve(server):
            yield server

    @pytest.fixture
    def tracker(self, server: TableServer) -> IssueTracker:
        return open_servicenow(server)

    @pytest.fixture
    def people(self, server: TableServer) -> TablePeople:
        return TablePeople(server)

    def test_rows_that_a_misread_query_brings_along_are_left_out(
        self, tracker: IssueTracker, server: TableServer
    ) -> None:
        ticket = tracker.create(make_draft())
        server.add(
            {
                "short_description": "Printer",
                "description": "",
                "correlation_id": "",
                "correlation_display": "",
            }
        )
        server.add(
            {
                "short_description": "x",
                "description": "",
                "correlation_id": "x",
                "correlation_display": "prefail",
            }
        )
        server.understands = False
        assert tracker.list_open("default") == [ticket]
        assert tracker.list_all("default") == [ticket]
        assert tracker.find([ticket.key]) == [ticket]
        assert tracker.list_open("def") == []
        assert tracker.get(ticket.ticket_id) == ticket

    def test_an_unknown_table_is_named(self, server: TableServer) -> None:
        with pytest.raises(ConfigError, match=r"no table 'nope'.*Correct tickets.options.table"):
            open_servicenow(server, table="nope").list_open("default")

    def test_a_wrong_token_is_named(self, server: TableServer) -> None:
        options = Options(url=server.url)
        door = HttpDoor(options=options, headers={"Authorization": "Bearer wrong"})
        with pytest.raises(PermanentError, match="401"):
            IssueTracker(ServiceNow(door, options)).list_open("default")

    def test_more_than_a_page_of_tickets_is_read(self, tracker: IssueTracker, server: TableServer) -> None:
        ticket = tracker.create(make_draft())
        (row,) = server.rows.values()
        for _ in range(600):
            server.add({name: value for name, value in row.items() if name not in ("sys_id", "number")})
        assert len(tracker.list_open("default")) == 601
        assert tracker.list_open("default")[0] == ticket

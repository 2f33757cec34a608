"""Jira Cloud and Data Center: the rules of every tracker, the vendor's own document, and both markups."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from jira_server import AUTHORIZATION, JiraPeople, JiraServer
from openapi_core import Config, OpenAPI
from openapi_core.testing import MockRequest
from small_server import serve
from tracker_rules import HOSTILE, TrackerRules, make_draft, reconcile, retold

from pipelines.errors import ConfigError, PermanentError
from pipelines.lake import Lake
from pipelines.tickets.claimed_tracker import ClaimedTracker
from pipelines.tickets.record import replace_record
from pipelines.tickets.remote.http_door import HttpDoor
from pipelines.tickets.remote.issue_tracker import IssueTracker
from pipelines.tickets.ticket_errors import TicketGoneError
from pipelines.tickets.tracker import Comment, Draft, Outcome
from pipelines.tickets.trackers.jira import Jira, Options

SPECIFICATION = Path(__file__).parents[4] / "shared" / "specs" / "jira-cloud-v3.json.gz"


def open_jira(server: JiraServer, authorization: str = AUTHORIZATION, **options: object) -> IssueTracker:
    flavour = "cloud" if server.is_cloud else "data_center"
    checked = Options.model_validate({"url": server.url, "project": "OPS", "flavour": flavour, **options})
    return IssueTracker(
        Jira(
            HttpDoor(options=checked, headers={"Authorization": authorization}, sleep=lambda _: None), checked
        )
    )


class JiraRules(TrackerRules):
    """What holds for both."""

    @pytest.fixture
    def tracker(self, server: JiraServer) -> IssueTracker:
        return open_jira(server)

    @pytest.fixture
    def people(self, server: JiraServer) -> JiraPeople:
        return JiraPeople(server)

    def test_an_unknown_project_is_named(self, server: JiraServer) -> None:
        with pytest.raises(ConfigError, match=r"no project 'NOPE'.*Correct tickets.options.project"):
            open_jira(server, project="NOPE").list_open("default")

    def test_wrong_credentials_are_named(self, server: JiraServer) -> None:
        with pytest.raises(PermanentError, match=r"401.*PREFAIL_TRACKER_USER and PREFAIL_TRACKER_PASSWORD"):
            open_jira(server, "Basic d3Jvbmc6d3Jvbmc=").list_open("default")

    def test_a_moved_issue_is_named(self, tracker: IssueTracker, server: JiraServer) -> None:
        ticket = tracker.create(make_draft())
        server.issues["NEW-1"] = server.issues.pop(ticket.ticket_id)
        server.moved[ticket.ticket_id] = "NEW-1"
        with pytest.raises(TicketGoneError, match="was moved and is now NEW-1"):
            tracker.get(ticket.ticket_id)

    def test_more_than_a_page_of_tickets_is_read(self, tracker: IssueTracker, server: JiraServer) -> None:
        ticket = tracker.create(make_draft())
        fields = server.issues[ticket.ticket_id]
        assert fields is not None
        for number in range(250):
            server.issues[f"OPS-{number + 2}"] = dict(fields)
        assert len(tracker.list_open("default")) == 251

    def test_a_workflow_without_a_way_to_close_is_named(
        self, tracker: IssueTracker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ticket = tracker.create(make_draft())
        monkeypatch.setattr("jira_server.STATUSES", {"11": ("To Do", "new")})
        with pytest.raises(
            PermanentError, match=r"does not let this account close OPS-1 \(transitions: To Do\)"
        ):
            tracker.close(ticket.ticket_id, outcome=Outcome.LEFT_LIST, day=ticket.record.opened_day, note="")


class TestJiraCloud(JiraRules):
    """Version 3: texts are documents."""

    @pytest.fixture
    def server(self) -> Iterator[JiraServer]:
        server = JiraServer(3)
        with serve(server):
            yield server

    def test_hostile_text_is_only_ever_a_text_node_without_marks(
        self, tracker: IssueTracker, server: JiraServer
    ) -> None:
        tracker.create(make_draft(HOSTILE, host_id=HOSTILE, model=HOSTILE))
        fields = server.issues["OPS-1"]
        assert fields is not None
        for block in fields["description"]["content"]:
            assert block["type"] in ("paragraph", "codeBlock")
            for node in block["content"]:
                assert node in ({"type": "hardBreak"}, {"type": "text", "text": node.get("text")})

    def test_what_people_put_into_the_text_stays_when_only_the_record_changes(
        self, tracker: IssueTracker, people: JiraPeople
    ) -> None:
        draft = make_draft()
        ticket = tracker.create(draft)
        picture = {
            "type": "mediaSingle",
            "content": [{"type": "media", "attrs": {"id": "f1", "type": "file"}}],
        }
        words = {"type": "text", "text": "bring a ladder", "marks": [{"type": "strong"}]}
        panel = {"type": "panel", "content": [{"type": "paragraph", "content": [words]}]}
        content = people.fields(ticket.ticket_id)["description"]["content"]
        content[1:1] = [picture, panel]
        seen = tracker.get(ticket.ticket_id)
        record = draft.record.model_copy(update={"told_risk": 0.9})
        body = replace_record(seen.body, record)
        tracker.update(ticket.ticket_id, Draft(title=seen.title, body=body, record=record))
        assert tracker.get(ticket.ticket_id).record.told_risk == 0.9
        assert people.fields(ticket.ticket_id)["description"]["content"][1:3] == [picture, panel]

    @pytest.mark.shared_data
    def test_every_request_is_what_atlassians_own_document_says(
        self, tracker: IssueTracker, server: JiraServer, people: JiraPeople, lake: Lake
    ) -> None:
        claimed = ClaimedTracker(tracker, lake, "default")
        reconcile(claimed, {"ZA1": 0.3, "ZA2": 0.5})
        reconcile(claimed, {"ZA1": 0.8})
        ticket, other = tracker.list_all("default")
        tracker.list_opened_on("default", ticket.record.opened_day)
        tracker.update(ticket.ticket_id, retold(make_draft("ZA1", slot="1"), 0.9))
        tracker.comment(ticket.ticket_id, Comment(comment_id="a", day=ticket.record.opened_day, text="x"))
        tracker.close(ticket.ticket_id, outcome=Outcome.RESEATED, day=ticket.record.opened_day, note="n")
        tracker.reopen(ticket.ticket_id, day=ticket.record.opened_day)
        tracker.snooze(ticket.ticket_id, until=ticket.record.due_day, day=ticket.record.opened_day)
        people.delete(other.ticket_id)
        with pytest.raises(TicketGoneError):
            tracker.get(other.ticket_id)

        document = json.loads(gzip.decompress(SPECIFICATION.read_bytes()))
        document["servers"] = [{"url": server.url}]
        specification = OpenAPI.from_dict(document, config=Config(spec_validator_cls=None))
        kinds = set()
        for request in server.requests:
            mock = MockRequest(
                server.url,
                request.method.lower(),
                request.path,
                args=dict(request.query),
                headers=dict(request.headers),
                data=request.body or None,
                content_type=request.headers.get("Content-Type", "application/json"),
            )
            result = specification.unmarshal_request(mock)
            assert not result.errors, (request.method, request.path, urlencode(request.query), result.errors)
            assert set(request.query) <= {one["name"] for one in find_parameters(document, request)}
            kinds.add((request.method, request.parts[-1] if len(request.parts) > 5 else request.parts[3]))
        assert kinds == {
            ("GET", "project"), ("POST", "search"), ("POST", "issue"), ("GET", "issue"), ("PUT", "issue"),
            ("GET", "comment"), ("POST", "comment"), ("GET", "transitions"), ("POST", "transitions"),
        }  # fmt: skip


def find_parameters(document: dict, request) -> list[dict]:
    """Return what the document knows of the request's operation; the validator ignores unknown parameters."""
    for template, path in document["paths"].items():
        pieces = template.strip("/").split("/")
        if len(pieces) == len(request.parts) and all(
            piece == part or piece.startswith("{") for piece, part in zip(pieces, request.parts, strict=True)
        ):
            return path[request.method.lower()].get("parameters", [])
    raise AssertionError(f"Atlassian's document has no {request.path}")


class TestJiraDataCenter(JiraRules):
    """Version 2: texts are wiki markup."""

    @pytest.fixture
    def server(self) -> Iterator[JiraServer]:
        server = JiraServer(2)
        with serve(server):
            yield server

    def assert_inert(self, text: str) -> None:
        """One {noformat} holds all of a body, which nothing inside can end."""
        if "noformat" in text:
            assert text.count("{noformat}") == 2
            assert text.strip().startswith("{noformat}\n")
            assert text.strip().endswith("\n{noformat}")
            text = text.replace("{noformat}", "")
        super().assert_inert(text)
        assert "{" not in text.split("BEGIN PREFAIL")[0]

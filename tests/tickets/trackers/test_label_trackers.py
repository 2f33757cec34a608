"""GitHub and GitLab against small servers: the rules of every tracker, and what their Markdown would do."""

from collections.abc import Iterator

import pytest
from label_servers import TOKEN, GitHubServer, GitLabServer, LabelPeople, LabelServer
from small_server import Answer, serve
from tracker_rules import HOSTILE, TrackerRules, make_draft

from pipelines.errors import ConfigError, PermanentError
from pipelines.tickets.remote.credentials import TrackerCredentials
from pipelines.tickets.remote.issue_tracker import IssueTracker
from pipelines.tickets.ticket_errors import TicketGoneError
from pipelines.tickets.tracker import Comment
from pipelines.tickets.trackers import github, gitlab


def open_github(server: LabelServer, repository: str = "team/hardware", token: str = TOKEN) -> IssueTracker:
    options = github.Options(url=server.url, repository=repository)
    door = github.make_door(options, TrackerCredentials(token=token))
    return IssueTracker(github.GitHub(door, options))


def open_gitlab(server: LabelServer, project: str = "team/hardware", token: str = TOKEN) -> IssueTracker:
    options = gitlab.Options(url=server.url, project=project)
    door = gitlab.make_door(options, TrackerCredentials(token=token))
    return IssueTracker(gitlab.GitLab(door, options))


class LabelRules(TrackerRules):
    """What holds for both."""

    def open(self, server: LabelServer, place: str = "team/hardware", token: str = TOKEN) -> IssueTracker:
        raise NotImplementedError

    @pytest.fixture
    def tracker(self, server: LabelServer) -> IssueTracker:
        return self.open(server)

    @pytest.fixture
    def people(self, server: LabelServer) -> LabelPeople:
        return LabelPeople(server)

    def assert_inert(self, text: str) -> None:
        """In a body a single fence holds all of it, which nothing inside can end."""
        if text.startswith("```"):
            opening, *inside, closing = text.strip().split("\n")
            assert (opening, closing) == ("```text", "```")
            text = "\n".join(inside)
        super().assert_inert(text)

    def test_an_unknown_project_is_named(self, server: LabelServer) -> None:
        with pytest.raises(
            ConfigError, match=r"has no (repository|project) 'team/other'.*Correct tickets.options"
        ):
            self.open(server, "team/other").list_open("default")

    def test_a_wrong_token_is_named_and_never_shown(self, server: LabelServer) -> None:
        with pytest.raises(PermanentError, match=r"401.*PREFAIL_TRACKER_TOKEN") as refused:
            self.open(server, token="wrong-token-42").list_open("default")
        assert "wrong-token-42" not in str(refused.value)

    def test_remarks_stand_in_a_fence_so_that_no_command_or_mention_works(
        self, tracker: IssueTracker, server: LabelServer
    ) -> None:
        ticket = tracker.create(make_draft(HOSTILE))
        comment = Comment(comment_id="x-1", day=ticket.record.opened_day, text=ticket.title)
        tracker.comment(ticket.ticket_id, comment)
        (said,) = server.remarks[int(ticket.ticket_id)]
        self.assert_inert(said["body"].replace("(Prefail note x-1)", ""))
        assert not any(line.startswith("/") for line in said["body"].splitlines())

    def test_labels_that_people_stick_on_stay(self, tracker: IssueTracker, people: LabelPeople) -> None:
        draft = make_draft()
        ticket = tracker.create(draft)
        people.relabel(ticket.ticket_id, "team-", "team-storage")
        tracker.snooze(ticket.ticket_id, until=ticket.record.due_day, day=ticket.record.opened_day)
        assert "team-storage" in str(people.issue(ticket.ticket_id)["labels"])

    def test_more_than_a_page_of_tickets_is_read(self, tracker: IssueTracker, server: LabelServer) -> None:
        draft = make_draft()
        ticket = tracker.create(draft)
        first = server.issues[int(ticket.ticket_id)]
        assert first is not None
        for _ in range(250):
            server.add(**{name: value for name, value in first.items() if name not in ("number", "iid")})
        assert len(tracker.list_open("default")) == 251


class TestGitHub(LabelRules):
    """GitHub."""

    @pytest.fixture
    def server(self) -> Iterator[LabelServer]:
        server = GitHubServer()
        with serve(server):
            yield server

    def open(self, server: LabelServer, place: str = "team/hardware", token: str = TOKEN) -> IssueTracker:
        return open_github(server, place, token)

    def test_a_transferred_issue_is_named(self, tracker: IssueTracker, server: LabelServer) -> None:
        ticket = tracker.create(make_draft())
        server.troubles.append(
            Answer(301, {"message": "Moved"}, {"Location": "http://127.0.0.1:1/elsewhere"})
        )
        with pytest.raises(TicketGoneError, match="moved to another place"):
            tracker.get(ticket.ticket_id)

    @pytest.mark.parametrize("name", ["../../user", "team/..", "team/x/../../y", "team/", "te am/x"])
    def test_a_repository_can_only_be_one(self, name: str) -> None:
        with pytest.raises(ValueError):
            github.Options(repository=name)


class TestGitLab(LabelRules):
    """GitLab."""

    @pytest.fixture
    def server(self) -> Iterator[LabelServer]:
        server = GitLabServer()
        with serve(server):
            yield server

    def open(self, server: LabelServer, place: str = "team/hardware", token: str = TOKEN) -> IssueTracker:
        return open_gitlab(server, place, token)

    def test_a_moved_issue_is_named(self, tracker: IssueTracker, people: LabelPeople) -> None:
        ticket = tracker.create(make_draft())
        people.issue(ticket.ticket_id)["moved_to_id"] = 99
        with pytest.raises(TicketGoneError, match="was moved to another project"):
            tracker.get(ticket.ticket_id)

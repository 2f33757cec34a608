"""Request Tracker 5, the real one: the rules of every tracker, and RT's own traps."""

import datetime as dt
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from request_tracker_server import Server, TrackerPeople, run_server
from tracker_rules import HOSTILE, TrackerRules, make_draft, reconcile, retold

from pipelines.collect_outcomes import collect_outcomes_day
from pipelines.errors import ConfigError, PermanentError, TrackerError
from pipelines.lake import Lake
from pipelines.settings import Settings
from pipelines.tickets.claimed_tracker import ClaimedTracker
from pipelines.tickets.outcomes.archive import read_outcomes
from pipelines.tickets.outcomes.finding import Finding
from pipelines.tickets.remote.credentials import TrackerCredentials
from pipelines.tickets.remote.http_door import HttpDoor
from pipelines.tickets.remote.issue_tracker import IssueTracker
from pipelines.tickets.remote.issues import Change
from pipelines.tickets.ticket_errors import ClaimHeldError, TicketGoneError
from pipelines.tickets.trackers.request_tracker import Options, RequestTracker

pytestmark = pytest.mark.service


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with run_server(tmp_path_factory.mktemp("request_tracker")) as server:
        yield server


@pytest.fixture
def server(running: Server) -> Server:
    running.clear()
    return running


def open_issues(server: Server, who: str = "pipeline", **options: object) -> RequestTracker:
    checked = Options.model_validate({"url": server.url, "queue": "Hardware", **options})
    credentials = TrackerCredentials(token=server.tokens.get(who, who))
    headers = {"Authorization": credentials.as_token("token")}
    door = HttpDoor(options=checked, headers=headers, secrets=tuple(credentials.list_secrets()))
    return RequestTracker(door, checked)


@pytest.fixture
def issues(server: Server) -> RequestTracker:
    return open_issues(server)


@pytest.fixture
def tracker(issues: RequestTracker) -> IssueTracker:
    return IssueTracker(issues)


@pytest.fixture
def people(server: Server) -> TrackerPeople:
    return TrackerPeople(server)


class TestRequestTracker(TrackerRules):
    """The rules of every tracker, with the rights that the docs ask for and no more."""

    def test_a_merged_ticket_is_named_with_the_one_it_went_into(
        self, tracker: IssueTracker, server: Server, lake: Lake
    ) -> None:
        claimed = ClaimedTracker(tracker, lake, "default")
        reconcile(claimed, {"ZA1": 0.6, "ZA2": 0.5})
        one, two = tracker.list_open("default")
        server.call("PUT", f"/ticket/{two.ticket_id}", {"MergeInto": one.ticket_id})
        with pytest.raises(
            TicketGoneError, match=rf"Ticket {two.ticket_id} was merged into {one.ticket_id}\."
        ):
            reconcile(claimed, {"ZA1": 0.8, "ZA2": 0.5})
        assert tracker.get(one.ticket_id).record.told_risk == 0.8
        assert len(tracker.list_all("default")) == 1

    def test_an_unknown_queue_is_named_before_anything_is_searched(self, server: Server) -> None:
        tracker = IssueTracker(open_issues(server, queue="Nope"))
        for call in (lambda: tracker.list_open("default"), lambda: tracker.create(make_draft())):
            with pytest.raises(ConfigError, match=r"no queue 'Nope'.*Correct tickets.options.queue"):
                call()

    def test_a_queue_without_the_fields_is_named_with_the_script_that_adds_them(self, server: Server) -> None:
        tracker = IssueTracker(open_issues(server, who="root", queue="General"))
        with pytest.raises(
            ConfigError, match=r"lacks the custom field.*PrefailKey.*request_tracker_queue.pl 'General'"
        ):
            tracker.list_open("default")

    def test_a_wrong_token_is_named_and_never_shown(self, server: Server) -> None:
        token = "1-99-0123456789abcdef0123456789abcdef"
        tracker = IssueTracker(open_issues(server, who=token))
        with pytest.raises(PermanentError, match=r"401.*PREFAIL_TRACKER_TOKEN") as refused:
            tracker.list_open("default")
        assert token not in str(refused.value) + repr(refused.value.facts)

    def test_an_account_that_may_only_read_is_told_which_right_it_lacks(
        self, server: Server, tracker: IssueTracker
    ) -> None:
        draft = make_draft()
        ticket = tracker.create(draft)
        reader = IssueTracker(open_issues(server, who="reader"))
        with pytest.raises(
            PermanentError, match=r"did not change ticket .*Permission Denied.*Grant .*ModifyTicket"
        ):
            reader.update(ticket.ticket_id, retold(draft, 0.9))
        with pytest.raises(PermanentError, match=r"403.*lacks a right") as refused:
            reader.create(make_draft("ZA2"))
        assert refused.value.facts["had_no_effect"] is True
        assert tracker.get(ticket.ticket_id) == ticket

    def test_what_somebody_changed_since_we_looked_is_not_overwritten(
        self, issues: RequestTracker, tracker: IssueTracker, people: TrackerPeople
    ) -> None:
        ticket = tracker.create(make_draft())
        seen = issues.read(ticket.ticket_id)
        people.set_outcome(ticket.ticket_id, "confirmed")
        with pytest.raises(TrackerError, match=r"412.*their change stands"):
            issues.write(seen, Change(title="Mine", text=seen.text, is_open=False, outcome=None))
        assert issues.read(ticket.ticket_id).title == ticket.title

    def test_two_runs_at_once_open_one_ticket(
        self, server: Server, tracker: IssueTracker, lake: Lake
    ) -> None:
        ends: list[str] = []

        def race() -> None:
            mine = ClaimedTracker(IssueTracker(open_issues(server)), lake, "default")
            try:
                ends.append(mine.create(make_draft()).ticket_id)
            except ClaimHeldError:
                ends.append("held")

        threads = [threading.Thread(target=race) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        (ticket,) = tracker.list_all("default")
        assert set(ends) <= {ticket.ticket_id, "held"}

    def test_a_ticket_resolved_with_a_comment_is_collected_as_what_the_comment_says(
        self, tracker: IssueTracker, server: Server, people: TrackerPeople, lake: Lake
    ) -> None:
        confirmed, nothing, quoted = (
            tracker.create(make_draft(name)).ticket_id for name in ("ZA1", "ZA2", "ZA3")
        )
        people.say(confirmed, "Confirmed: 312 pending sectors in the self-test.\nReplaced the failed drive.")
        people.say(nothing, "Kein Fehler gefunden, Platte bleibt drin.")
        people.say(quoted, "> say what you found (confirmed, no_fault_found)\nWill look on Monday.")
        for ticket_id in (confirmed, nothing, quoted):
            people.close(ticket_id)
        options = {"url": server.url, "queue": "Hardware"}
        settings = Settings.model_validate({"tickets": {"tracker": "request_tracker", "options": options}})
        tomorrow = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1)
        facts = collect_outcomes_day(tomorrow, settings, lake, tracker=tracker)
        rows = {row.ticket_id: row for row in read_outcomes(lake, dt.date.min)["request_tracker"]}
        assert {ticket_id: (row.outcome, row.decided_by) for ticket_id, row in rows.items()} == {
            confirmed: (Finding.CONFIRMED, "rule:en_confirmed"),
            nothing: (Finding.NO_FAULT_FOUND, "rule:de_no_fault_found"),
            quoted: (Finding.UNKNOWN, "none"),
        }
        assert rows[quoted].remarks == "Will look on Monday."
        assert facts.fact("unmapped") == 1
        assert facts.fact("failure_days_changed") == str(rows[confirmed].closed_day)

    def test_nothing_of_a_hostile_text_becomes_html_on_rts_page(
        self, tracker: IssueTracker, server: Server
    ) -> None:
        ticket = tracker.create(make_draft(HOSTILE, host_id=HOSTILE, check_first=HOSTILE))
        found = server.call(
            "GET", f"/ticket/{ticket.ticket_id}/attachments?fields=Content,ContentType"
        ).json()["items"]
        assert [one["ContentType"] for one in found] == ["text/plain"]
        self.assert_inert(found[0]["Content"])


def test_the_start_script_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AssertionError, match=r"run: infra/install_test_servers\.sh"), run_server(tmp_path):
        pass

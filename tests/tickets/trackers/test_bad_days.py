"""The whole step on days when the tracker is in trouble: a clear error, the list untouched, the next run catches up."""

from collections.abc import Iterator

import pytest
from hand_made_fleet import DAY, day_after, make_entry, make_settings, write_fleet_day
from label_servers import TOKEN, GitHubServer
from small_server import Answer, serve

from pipelines.errors import PermanentError, PrefailError, TrackerError
from pipelines.lake import Lake
from pipelines.settings import Settings
from pipelines.ticket_step import reconcile_tickets_day
from pipelines.tickets.plan import Hold
from pipelines.tickets.remote import http_door
from pipelines.tickets.ticket_errors import TicketDeletedError

HTML = {"Content-Type": "text/html"}


@pytest.fixture
def server() -> Iterator[GitHubServer]:
    server = GitHubServer()
    with serve(server):
        yield server


@pytest.fixture
def settings(server: GitHubServer, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("PREFAIL_TRACKER_TOKEN", TOKEN)
    monkeypatch.setattr(http_door, "_FIRST_PAUSE_SECONDS", 0.001)
    options = {"url": server.url, "repository": "team/hardware"}
    return make_settings(tickets={"tracker": "github", "options": options})


@pytest.fixture
def digest(lake: Lake) -> str:
    write_fleet_day(lake, DAY, [make_entry(f"ZA{rank}", rank=rank, slot=str(rank)) for rank in (1, 2)])
    return lake.digest_day("out_at_risk_hosts", DAY)


@pytest.mark.parametrize(
    ("troubles", "kind", "words"),
    [
        ([Answer(503)] * 4, TrackerError, "answered 503"),
        ([None] * 4, TrackerError, "broke off or gave no answer"),
        ([Answer(200, b"<html>Log in", HTML)], PermanentError, "a web page instead of data"),
        ([Answer(403, {"message": "rights"})], PermanentError, "has no repository 'team/hardware'"),
        ([Answer(401, {})], PermanentError, "credentials are not accepted"),
        ([Answer(302, {}, {"Location": "/login"})], PermanentError, "has no repository"),
        (
            [Answer(200, {}, {"Date": "Mon, 02 Jan 2006 15:04:05 GMT"})],
            PermanentError,
            "tracker's clock says",
        ),
        ([Answer(429, {}, {"Retry-After": "900"})], TrackerError, "in 900 seconds"),
        (
            [Answer(200, {"name": "x"}), Answer(200, {"no": "list"})],
            PermanentError,
            "not what its interface promises",
        ),
    ],
)
def test_a_tracker_in_trouble_leaves_the_list_alone_and_the_next_run_catches_up(
    server: GitHubServer,
    settings: Settings,
    lake: Lake,
    digest: str,
    troubles: list[Answer | None],
    kind: type[PrefailError],
    words: str,
) -> None:
    server.troubles += troubles
    with pytest.raises(kind, match=words) as error:
        reconcile_tickets_day(DAY, settings, lake, DAY)
    assert "list is not affected" in str(error.value)
    assert TOKEN not in str(error.value) + repr(error.value.facts)
    assert lake.digest_day("out_at_risk_hosts", DAY) == digest
    assert server.issues == {}
    assert reconcile_tickets_day(DAY, settings, lake, DAY).fact("opened") == 2
    assert reconcile_tickets_day(DAY, settings, lake, DAY).fact("opened") == 0
    assert len(server.issues) == 2


def test_a_ticket_that_was_opened_although_the_reply_was_lost_is_found_and_not_opened_again(
    server: GitHubServer, settings: Settings, lake: Lake, digest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = server.add

    def add_and_hang_up(**fields: object) -> dict[str, object]:
        add(**fields)
        raise OSError("the cable is out")

    with monkeypatch.context() as patch:
        patch.setattr(server, "add", add_and_hang_up)
        with pytest.raises(TrackerError, match="Whether it was carried out is not known"):
            reconcile_tickets_day(DAY, settings, lake, DAY)
    assert len(server.issues) == 1
    facts = reconcile_tickets_day(DAY, settings, lake, DAY)
    assert (facts.fact("opened"), len(server.issues)) == (1, 2)


def test_a_rate_limit_half_way_is_resumed_without_repeating_what_was_done(
    server: GitHubServer, settings: Settings, lake: Lake, digest: str
) -> None:
    answer = server.answer

    def limit_the_second(request: object) -> Answer:
        is_second = request.method == "POST" and len(server.issues) == 1
        return Answer(429, {}, {"Retry-After": "3600"}) if is_second else answer(request)

    server.answer = limit_the_second
    with pytest.raises(TrackerError, match="in 3,600 seconds") as limited:
        reconcile_tickets_day(DAY, settings, lake, DAY)
    assert limited.value.facts["retry_after_seconds"] == 3600.0
    server.answer = answer
    # At once: what was refused holds no claim.
    assert reconcile_tickets_day(DAY, settings, lake, DAY).fact("opened") == 1
    assert len(server.issues) == 2


def test_a_deleted_ticket_fails_one_run_and_the_next_ones_are_healed(
    server: GitHubServer, settings: Settings, lake: Lake, digest: str
) -> None:
    reconcile_tickets_day(DAY, settings, lake, DAY)
    server.issues[1] = None
    entries = [make_entry(f"ZA{rank}", rank=rank, slot=str(rank)) for rank in (1, 2)]
    write_fleet_day(lake, day_after(1), entries)
    with pytest.raises(TicketDeletedError, match=r"(?s)Ticket 1 was deleted.*The other 1 tickets follow"):
        reconcile_tickets_day(day_after(1), settings, lake, day_after(1))
    for n_days in (1, 2, 31):
        write_fleet_day(lake, day_after(n_days), entries)
        facts = reconcile_tickets_day(day_after(n_days), settings, lake, day_after(n_days))
        assert [(one.entry.component_id, one.hold) for one in facts.not_opened] == [("ZA1", Hold.DECLINED)]
    write_fleet_day(lake, day_after(32), entries)
    assert reconcile_tickets_day(day_after(32), settings, lake, day_after(32)).fact("opened") == 1

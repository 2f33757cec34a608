"""The webhook: signed, repeated under one key, and never ahead of or behind the desk."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hand_made_fleet import make_settings
from small_server import Answer, Request, SmallServer, serve
from tracker_rules import HOSTILE, make_draft, reconcile, retold

from pipelines.errors import ConfigError, PermanentError, TrackerError
from pipelines.tickets.remote.http_door import HttpDoor
from pipelines.tickets.tracker import Comment, Outcome
from pipelines.tickets.trackers import open_tracker, open_tracker_reader, webhook
from pipelines.tickets.trackers.desk import Desk
from pipelines.tickets.trackers.webhook import Options, Webhook

SECRET = "a secret of the receiver"


class Receiver(SmallServer):
    """Checks each signature as the docs say, and takes each idempotency key once."""

    def __init__(self) -> None:
        super().__init__()
        self.events: dict[str, dict[str, object]] = {}

    def answer(self, request: Request) -> Answer:
        time, signature = (part.split("=")[1] for part in request.headers["Prefail-Signature"].split(","))
        expected = hmac.new(SECRET.encode(), f"{time}.".encode() + request.body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(signature, expected):
            return Answer(401, {"message": "signature"})
        self.events.setdefault(request.headers["Idempotency-Key"], request.document)
        return Answer(200, b"<html>thank you</html>", {"Content-Type": "text/html"})

    @property
    def names(self) -> list[object]:
        return [event["event"] for event in self.events.values()]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    with serve(receiver):
        yield receiver


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(str(tmp_path / "desk.sqlite"))


def open_webhook(receiver: Receiver, desk: Desk, secret: str = SECRET) -> Webhook:
    options = Options(url=f"{receiver.url}/hook")
    door = HttpDoor(options=options, headers={}, sleep=lambda _: None, is_reply_read=False)
    return Webhook(desk, door, secret)


def test_every_kind_of_change_is_posted_once_with_what_it_changed(receiver: Receiver, desk: Desk) -> None:
    tracker = open_webhook(receiver, desk)
    draft = make_draft()
    day = draft.record.opened_day
    ticket_id = tracker.create(draft).ticket_id
    for _ in range(2):
        tracker.create(draft)
        tracker.comment(ticket_id, Comment(comment_id="a", day=day, text="risk rose"))
        tracker.update(ticket_id, retold(draft, 0.9))
        tracker.snooze(ticket_id, until=draft.record.due_day, day=day)
    for _ in range(2):
        tracker.close(ticket_id, outcome=Outcome.LEFT_LIST, day=day, note="n")
    for _ in range(2):
        tracker.reopen(ticket_id, day=day)
    tracker.close(ticket_id, outcome=Outcome.LEFT_LIST, day=day, note="n")
    assert receiver.names == ["opened", "commented", "updated", "snoozed", "closed", "reopened", "closed"]
    opened = next(iter(receiver.events.values()))
    assert (opened["key"], opened["title"], opened["body"]) == (draft.key, draft.title, draft.body)
    assert {request.parts[0] for request in receiver.requests} == {"hook"}


@pytest.mark.parametrize("trouble", [Answer(503), Answer(429, None, {"Retry-After": "1"}), None])
def test_a_post_without_a_good_reply_is_repeated_under_the_same_key(
    receiver: Receiver, desk: Desk, trouble: Answer | None
) -> None:
    receiver.troubles += [trouble, trouble]
    open_webhook(receiver, desk).create(make_draft())
    keys = [request.headers["Idempotency-Key"] for request in receiver.requests]
    assert len(keys) == 3
    assert len(set(keys)) == 1
    assert receiver.names == ["opened"]


def test_while_the_receiver_is_down_the_desk_keeps_nothing_and_the_next_run_catches_up(
    receiver: Receiver, desk: Desk
) -> None:
    tracker = open_webhook(receiver, desk)
    receiver.troubles += [Answer(503)] * 4
    with pytest.raises(TrackerError, match="answered 503"):
        reconcile(tracker, {"ZA1": 0.6, "ZA2": 0.5})
    assert desk.list_all("default") == []
    reconcile(tracker, {"ZA1": 0.6, "ZA2": 0.5})
    assert len(desk.list_open("default")) == 2
    assert receiver.names == ["opened", "opened"]


def test_a_run_killed_between_post_and_desk_posts_the_same_event_again(
    receiver: Receiver, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracker = open_webhook(receiver, desk)
    with monkeypatch.context() as patch:
        patch.setattr(desk, "create", lambda draft: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            tracker.create(make_draft())
    tracker.create(make_draft())
    assert len(receiver.requests) == 2
    assert receiver.names == ["opened"]


def test_a_receiver_with_another_secret_refuses_and_the_error_shows_none(
    receiver: Receiver, desk: Desk
) -> None:
    with pytest.raises(PermanentError, match="401") as refused:
        open_webhook(receiver, desk, "another").create(make_draft())
    assert "another" not in str(refused.value)
    assert desk.list_all("default") == []


def test_hostile_text_travels_as_json_and_spelled_out(receiver: Receiver, desk: Desk) -> None:
    open_webhook(receiver, desk).create(make_draft(HOSTILE, host_id=HOSTILE))
    body = receiver.requests[0].body
    assert body.isascii()
    title = json.loads(body)["title"]
    assert not set("@<>[]{}*`|~#!\n") & set(title)
    assert "://" not in title


def test_settings_open_it_with_the_secret_of_the_environment(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = make_settings(
        tickets={
            "tracker": "webhook",
            "desk_path": str(tmp_path / "d.sqlite"),
            "options": {"url": receiver.url},
        }
    )
    monkeypatch.delenv("PREFAIL_TRACKER_TOKEN", raising=False)
    with pytest.raises(ConfigError, match="set PREFAIL_TRACKER_TOKEN"):
        open_tracker(settings)
    monkeypatch.setenv("PREFAIL_TRACKER_TOKEN", SECRET)
    assert webhook.HAS_UNIQUE_KEYS
    assert open_tracker_reader(settings).list_open("default") == []
    assert list(tmp_path.iterdir()) == [], "who only looks makes no file"
    open_tracker(settings).create(make_draft())
    assert receiver.names == ["opened"]

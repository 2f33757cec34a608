"""Which trackers there are, what their options say when wrong, and which of them work under a claim."""

from pathlib import Path

import pytest
from hand_made_fleet import make_settings

from pipelines.errors import ConfigError
from pipelines.lake import Lake
from pipelines.settings import load_settings
from pipelines.tickets.claimed_tracker import ClaimedTracker
from pipelines.tickets.remote.issue_tracker import IssueTracker
from pipelines.tickets.trackers import list_tracker_kinds, open_claimed_tracker, open_tracker
from pipelines.tickets.trackers.desk import Desk

OPTIONS = {
    "github": {"repository": "team/hardware"},
    "gitlab": {"project": "team/hardware"},
    "jira": {"url": "https://jira.test.invalid", "project": "OPS"},
    "request_tracker": {"url": "https://rt.test.invalid", "queue": "Hardware"},
    "servicenow": {"url": "https://x.test.invalid"},
}


def test_these_are_the_trackers() -> None:
    assert list_tracker_kinds() == sorted([*OPTIONS, "desk", "webhook"])


@pytest.mark.parametrize("kind", sorted(OPTIONS))
def test_a_remote_tracker_opens_tickets_under_a_claim_and_asks_nothing_before(
    kind: str, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFAIL_TRACKER_TOKEN", "0123456789")
    settings = make_settings(tickets={"tracker": kind, "options": OPTIONS[kind]})
    assert isinstance(open_claimed_tracker(settings, lake), ClaimedTracker)
    assert isinstance(open_tracker(settings), IssueTracker)


@pytest.mark.parametrize("kind", sorted(OPTIONS))
def test_without_credentials_the_error_names_the_variable(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("USER", "PASSWORD", "TOKEN"):
        monkeypatch.delenv(f"PREFAIL_TRACKER_{name}", raising=False)
    with pytest.raises(ConfigError, match="PREFAIL_TRACKER_TOKEN"):
        open_tracker(make_settings(tickets={"tracker": kind, "options": OPTIONS[kind]}))


def test_the_desk_needs_no_claim_and_has_no_options(lake: Lake, tmp_path: Path) -> None:
    settings = make_settings(tickets={"desk_path": str(tmp_path / "desk.sqlite")})
    assert isinstance(open_claimed_tracker(settings, lake), Desk)
    with pytest.raises(
        ConfigError, match=r"tickets.options.url is not an option of desk; valid: it has none"
    ):
        open_tracker(make_settings(tickets={"options": {"url": "https://x.test.invalid"}}))


@pytest.fixture
def settings_file(tmp_path: Path) -> Path:
    path = tmp_path / "prefail.toml"
    path.write_text(
        '[tickets]\ntracker = "jira"\n[tickets.options]\nurl = "https://me:hunter2@jira.test.invalid"\n'
        'token = "hunter3"\ntimeout_seconds = 0\n'
    )
    return path


def test_every_wrong_option_is_named_at_once_and_no_value_is_repeated(settings_file: Path) -> None:
    with pytest.raises(ConfigError) as wrong:
        load_settings(settings_file, {})
    message = str(wrong.value)
    for words in (
        "tickets.options.project is missing: jira needs it",
        "tickets.options.token is not an option of jira; valid: allow_plain_http, ",
        "tickets.options.url: value error, must be https://host",
        "tickets.options.timeout_seconds: input should be greater than 0",
    ):
        assert words in message
    assert "hunter" not in message


def test_credentials_in_the_environment_are_no_settings_and_options_may_come_from_there(
    tmp_path: Path,
) -> None:
    path = tmp_path / "prefail.toml"
    path.write_text('[tickets]\ntracker = "request_tracker"\n[tickets.options]\nqueue = "Hardware"\n')
    environ = {
        "PREFAIL_TRACKER_USER": "me",
        "PREFAIL_TRACKER_TOKEN": "0123456789",
        "PREFAIL_TICKETS__OPTIONS__URL": "https://rt.test.invalid",
    }
    settings = load_settings(path, environ)
    assert settings.tickets.options == {"queue": "Hardware", "url": "https://rt.test.invalid"}
    assert "0123456789" not in repr(settings)

"""The command line: help that helps, exit codes a scheduler can act on, errors without a traceback."""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipelines import cli
from pipelines.cli import build_parser, main
from pipelines.errors import PermanentError, TransientError


def parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name in action.choices:
                yield from parsers(action.choices[name])


def test_the_help_of_every_command_is_the_reviewed_one(
    golden: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    golden("cli_help.txt", "\n\n".join(parser.format_help() for parser in parsers(build_parser())))


@pytest.mark.parametrize(
    "command",
    [
        "ingest",
        "build",
        "score",
        "publish",
        "tickets",
        "outcomes",
        "drift",
        "metrics",
        "train",
        "backtest",
        "verify",
        "rollback",
    ],
)
def test_the_help_of_a_step_says_what_it_reads_and_writes(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="0"):
        main([command, "--help"])
    said = capsys.readouterr().out.lower()
    assert "reads" in said
    assert "writes" in said


@pytest.mark.parametrize(("error", "code"), [(PermanentError("No."), 1), (TransientError("Not yet."), 75)])
def test_an_error_is_one_message_and_the_exit_code_of_its_kind(
    error: Exception, code: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: argparse.Namespace) -> int:
        raise error

    parser = argparse.ArgumentParser()
    parser.set_defaults(run=fail, verbose=False)
    monkeypatch.setattr(cli, "build_parser", lambda: parser)
    assert main([]) == code
    assert capsys.readouterr().err == f"prefail: {error}\n"


def test_a_missing_settings_file_is_said_with_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--config", str(tmp_path / "no.toml"), "score", "--day", "2026-02-01"]) == 1
    assert "No settings file at" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["build"], "Name the day"),
        (["build", "--day", "today"], "'today' is not a day"),
        (["build", "--from", "2026-02-02", "--to", "2026-02-01"], "ends (2026-02-01) before it starts"),
        (["build", "--from", "2026-02-01"], "Name the day"),
        (["build", "--day", "2026-02-01", "--to", "2026-02-02"], "Name the day"),
        (["build", "--from", "2026-02-01", "--to", "2026-02-02", "--every", "0"], "at least one day"),
    ],
)
def test_a_day_that_is_not_one_is_refused(
    arguments: list[str], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 1
    assert problem in capsys.readouterr().err


def test_config_check_prints_what_is_in_effect_with_secrets_masked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "prefail.toml"
    path.write_text('environment = "lab"\n', "utf-8")
    monkeypatch.setenv("PREFAIL_LAKE__SECRET_ACCESS_KEY", "planted-secret")
    assert main(["--config", str(path), "config", "check"]) == 0
    said = capsys.readouterr().out
    assert '"environment": "lab"' in said
    assert "planted-secret" not in said
    assert "**********" in said

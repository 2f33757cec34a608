"""The pages about deployment: every command of ours parses, and every file that they name is there."""

import re
import shlex

import pytest

from pipelines.cli import build_parser
from tests.infra.linters import PROJECT

PAGES = ("deployment.md", "upgrade.md", "scaling.md")


def read_page(name: str) -> str:
    return (PROJECT / "docs" / name).read_text("utf-8")


@pytest.mark.parametrize("name", PAGES)
def test_every_file_that_is_named_exists(name: str) -> None:
    text = read_page(name)
    named = set(re.findall(r"\b(?:infra|tests)/[\w./-]*\w", text))
    links = {f"docs/{target}" for target in re.findall(r"\]\(([^)#:]+)\)", text)}
    assert named
    assert [path for path in sorted(named | links) if not (PROJECT / path).exists()] == []


def test_every_command_of_ours_is_one() -> None:
    text = "\n".join(read_page(name) for name in PAGES)
    commands = set(re.findall(r"^    (prefail [^\n#]+)|`(prefail [a-z]+ [a-z]+)`", text, re.MULTILINE))
    parsed = [
        build_parser().parse_args(shlex.split(indented or quoted)[1:])
        for indented, quoted in sorted(commands)
    ]
    assert len(parsed) >= 4


def test_compose_and_chart_are_named_with_the_versions_that_the_files_have() -> None:
    text = read_page("deployment.md")
    values = (PROJECT / "infra" / "helm" / "values.yaml").read_text("utf-8")
    versions = set(re.findall(r"--version (\S+)", text + values))
    assert versions == {"1.22.0"}

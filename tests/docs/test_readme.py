"""The README tells the truth: its settings table is generated, its commands parse, its files exist."""

import re
import shlex
from pathlib import Path

import pytest

from pipelines.cli import build_parser
from pipelines.settings_docs import render_settings_table

PROJECT = Path(__file__).parents[2]
README = (PROJECT / "README.md").read_text("utf-8")


def commands() -> list[str]:
    """Every `prefail …` line of the README's code blocks and tables, with its stand-ins filled in."""
    blocks = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    lines += re.findall(r"\| `(prefail [^`]+)` \|", README)
    single = [part.strip() for line in lines for part in line.split("&&")]
    return [
        re.sub(r"\bD\b", "2026-02-01", line).replace("…", "2026-02-01")
        for line in single
        if line.startswith("prefail")
    ]


def test_the_readme_shows_commands() -> None:
    assert len(commands()) > 10


@pytest.mark.parametrize("line", commands())
def test_each_command_of_the_readme_is_one_that_prefail_knows(line: str) -> None:
    build_parser().parse_args(shlex.split(line)[1:])


@pytest.mark.parametrize("verb", sorted(set(re.findall(r"(?:`|^)make ([a-z-]+)", README, re.MULTILINE))))
def test_each_make_verb_of_the_readme_exists(verb: str) -> None:
    assert re.search(rf"^{verb}:", (PROJECT / "Makefile").read_text("utf-8"), re.MULTILINE)


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#:]+)\)", README))))
def test_each_linked_file_exists(link: str) -> None:
    assert (PROJECT / link).exists()


def test_the_settings_table_is_the_generated_one(request: pytest.FixtureRequest) -> None:
    table = render_settings_table()
    if request.config.getoption("--rewrite-golden"):
        before, _, rest = README.partition("## Settings\n")
        _, _, after = rest.partition("\nAny value by environment")
        (PROJECT / "README.md").write_text(
            f"{before}## Settings\n\n{table}\nAny value by environment{after}", "utf-8"
        )
        return
    assert table in README, "pytest tests/docs --rewrite-golden writes it anew"

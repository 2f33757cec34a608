"""docs/writing-a-tracker.md tells the truth: what to write, how long it gets, and how to test it."""

import re
from pathlib import Path

import pytest

from pipelines.tickets.remote.issues import Issues
from pipelines.tickets.trackers import list_tracker_kinds

PROJECT = Path(__file__).parents[3]
PAGE = (PROJECT / "docs" / "writing-a-tracker.md").read_text("utf-8")
EXAMPLE = PAGE.split("```python\n")[1].split("```")[0]

# The example of the page is a test: pytest finds the class that it defines.
exec(compile(EXAMPLE, "docs/writing-a-tracker.md", "exec"))


def test_the_page_names_every_tracker_that_there_is() -> None:
    (table,) = re.findall(r"## The ones that are there\n\n(.*?)\n\n", PAGE, re.DOTALL)
    assert sorted(re.findall(r"^\| `(\w+)`", table, re.MULTILINE)) == list_tracker_kinds()


def test_the_page_explains_every_member_of_the_protocol_and_no_other() -> None:
    (section,) = re.findall(r"\| method \| must \|\n(.*?)\n\n", PAGE, re.DOTALL)
    explained = [
        name for row in section.splitlines() for name in re.findall(r"`(\w+)(?:\(.*?\))?`", row.split("|")[1])
    ]
    members = {name for name in vars(Issues) if not name.startswith("_")} | set(Issues.__annotations__)
    assert sorted(explained) == sorted(members)


@pytest.mark.parametrize("kind", ["github", "gitlab", "webhook"])
def test_a_tracker_is_one_module_of_under_150_lines(kind: str) -> None:
    module = PROJECT / "pipelines" / "tickets" / "trackers" / f"{kind}.py"
    assert len(module.read_text("utf-8").splitlines()) < 150

"""What all tests share: golden files, the recorded data beside the checkout, a small lake."""

import os
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest

from pipelines.lake import Lake
from pipelines.object_store import FolderStore

# A loaded machine is no defect; in CI Hypothesis has a profile of its own, the same examples each time.
if not os.environ.get("CI"):
    hypothesis.settings.register_profile("here", deadline=None)
    hypothesis.settings.load_profile("here")

PROJECT = Path(__file__).parents[1]
SHARED = PROJECT.parent / "shared"
GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--rewrite-golden", action="store_true", help="Write golden files anew; review the diff."
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out tests of recorded data where it is not there, by name and loudly; never in CI."""
    if (SHARED / "data").is_dir() or os.environ.get("CI"):
        return
    left_out = [item for item in items if item.get_closest_marker("shared_data")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
        reporter = config.pluginmanager.getplugin("terminalreporter")
        if reporter is not None:
            reporter.write_line(f"LEFT OUT, no recorded data at {SHARED}:", red=True)
            for item in left_out:
                reporter.write_line(f"  {item.nodeid}", red=True)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a text with ``tests/golden/<name>``; ``pytest --rewrite-golden`` writes it anew."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if request.config.getoption("--rewrite-golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        assert path.is_file(), f"{path} is missing: pytest --rewrite-golden, then review it"
        assert text == path.read_text("utf-8")

    return compare


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Return an empty lake in a folder."""
    return Lake(FolderStore(tmp_path / "lake"))

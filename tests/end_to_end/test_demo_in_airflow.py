"""`make demo`: the DAGs themselves, headless, twice."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]


def run_demo(folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, PROJECT / "dags" / "run_headless.py", folder],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    return done.stdout


def digests(lake: Path) -> dict[str, str]:
    """Return the digest of every object, hidden lock files and Data Docs (random element ids) aside."""
    return {
        str(path.relative_to(lake)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(lake.rglob("*"))
        if path.is_file() and not path.name.startswith(".") and "data_docs" not in path.parts
    }


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_demo_shows_what_came_of_it_and_a_second_run_changes_nothing(tmp_path: Path) -> None:
    shown = run_demo(tmp_path)
    for part in ("Contract verdicts of", "At-risk list of", "Tickets", "Report:"):
        assert part in shown
    lake = digests(tmp_path / "lake")
    assert any(name.startswith("out_at_risk_hosts/") for name in lake)

    summary = shown[shown.index("Contract verdicts of") :]
    assert run_demo(tmp_path).endswith(summary)
    assert digests(tmp_path / "lake") == lake

"""`make demo`: the DAGs themselves, headless, twice."""

import csv
import hashlib
import html
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]


def run_demo(folder: Path) -> str:
    done = subprocess.run(
        ["make", "--no-print-directory", "demo", f"DEMO={folder}"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    return done.stdout


def digests(lake: Path) -> dict[str, str]:
    """Return the digest of every object; hidden lock files, Data Docs (random ids) and run records (seconds) aside."""
    return {
        str(path.relative_to(lake)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(lake.rglob("*"))
        if path.is_file() and not path.name.startswith(".") and not {"data_docs", "runs"} & set(path.parts)
    }


def check_list_of_parts(lake: Path) -> None:
    """The list of the last day names parts of several kinds; of a DIMM, its slot and what its log said."""
    folder = max((lake / "published" / "at_risk_hosts").glob("day=*"))
    listed = list(csv.DictReader((folder / "list.csv").read_text("utf-8").splitlines()))
    assert len({row["component_kind"] for row in listed}) >= 2
    slots = [row["slot"] for row in listed if row["component_kind"] == "dimm" and row["slot"]]
    assert slots
    report = html.unescape((folder / "report.html").read_text("utf-8"))
    for slot in slots:
        assert f"error on {slot} (channel:" in report, "EDAC's line about this DIMM"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_demo_shows_what_came_of_it_and_a_second_run_changes_nothing(tmp_path: Path) -> None:
    shown = run_demo(tmp_path)
    for part in ("Contract verdicts of", "What scored on", "At-risk list of", "Tickets", "Report:"):
        assert part in shown
    lake = digests(tmp_path / "lake")
    assert any(name.startswith("out_at_risk_hosts/") for name in lake)
    check_list_of_parts(tmp_path / "lake")

    summary = shown[shown.index("Contract verdicts of") :]
    assert run_demo(tmp_path).endswith(summary)
    assert digests(tmp_path / "lake") == lake

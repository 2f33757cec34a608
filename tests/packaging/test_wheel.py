"""What the wheel holds, and that it works where nothing else of the project is."""

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
PACKAGES = ("pipelines", "features", "data_contracts")


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel with what the lock holds: nothing is fetched."""
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, PROJECT, cwd=out)
    (built,) = out.glob("*.whl")
    return built


@pytest.mark.slow
def test_the_wheel_holds_the_three_packages_whole_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    tracked = {
        str(path.relative_to(PROJECT))
        for package in PACKAGES
        for path in (PROJECT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert names == tracked
    kinds = {Path(name).suffix for name in names}
    assert {".py", ".yaml"} <= kinds, "the contracts and targets are data of the packages"


@pytest.mark.slow
def test_the_wheel_carries_licence_and_command(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        metadata = {Path(name).name: name for name in archive.namelist() if ".dist-info/" in name}
        assert "LICENSE" in metadata
        assert "prefail = pipelines.cli:main" in archive.read(metadata["entry_points.txt"]).decode()
        described = archive.read(metadata["METADATA"]).decode()
    assert "\nName: prefail\n" in described
    assert "\nLicense-Expression: Apache-2.0\n" in described


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_demo_runs_from_the_wheel_in_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    pip = (python, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-deps")
    run(*pip, "--require-hashes", "-r", PROJECT / "requirements.lock", cwd=tmp_path)
    run(*pip, wheel, cwd=tmp_path)

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    where = run(python, "-c", "import pipelines; print(pipelines.__file__)", cwd=elsewhere)
    assert Path(where.strip()).is_relative_to(environment), "the checkout must not be what is tested"

    shown = run(environment / "bin" / "prefail", "demo", cwd=elsewhere)
    assert "Contract verdicts of" in shown
    assert "At-risk list of" in shown
    assert "Tickets" in shown
    (report,) = [line for line in shown.splitlines() if line.startswith("Report:")]
    shown_report = elsewhere / report.removeprefix("Report:").strip()
    assert shown_report.read_text("utf-8").startswith("<!doctype html>")


def run(*command: str | Path, cwd: Path) -> str:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PREFAIL_", "PYTHON"))
    }
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout

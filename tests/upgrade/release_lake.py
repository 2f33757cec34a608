"""Keep the lake of a release: `python -m tests.upgrade.release_lake` writes lakes/<release>.tar.gz.

Run it once, when a release is made, and commit the file: the releases after it must open that lake. A
small simulated fleet, two models of which the later is champion, one published list, its tickets; days
that no later step reads have left by ``prefail lake retain``.
"""

import datetime as dt
import io
import sys
import tarfile
import tempfile
from importlib import metadata
from pathlib import Path

from pipelines.build import build_day
from pipelines.day_runs import open_settings_lake
from pipelines.ingest import ingest_day
from pipelines.lake import Lake
from pipelines.lake_commands.retention import delete_expired, find_expired
from pipelines.publish import publish_day
from pipelines.registry import promote_model
from pipelines.score import score_day
from pipelines.settings import Settings, load_settings
from pipelines.ticket_step import reconcile_tickets_day
from pipelines.train import train_target

LAKES = Path(__file__).parent / "lakes"
TARGET = "drive_fails_30d"
FIRST_DAY = dt.date(2026, 1, 1)
N_DAYS = 75
TRAINING_DAYS = (FIRST_DAY + dt.timedelta(days=68), FIRST_DAY + dt.timedelta(days=71))
LIST_DAY = FIRST_DAY + dt.timedelta(days=N_DAYS - 1)
# What a day's features and checks look back over; older days are not needed to go on.
_KEPT_DAYS = 35

_SETTINGS = f"""\
environment = "release"
targets = ["{TARGET}"]

[lake]
root = "lake"

[tickets]
is_simulated_clock = true

[[sources]]
name = "drives"
kind = "simulated"
path = "drive_stats"
n_hosts = 20
drives_per_host = 12
seed = 7
first_day = "{FIRST_DAY}"
n_days = {N_DAYS + 30}
annual_failure_rate = 0.9

[retain]
"""
_DAILY = (
    *("raw_drive_smart", "raw_inventory", "core_drive_days", "core_failures", "core_model_population"),
    *(f"verdicts/{name}" for name in ("raw_drive_smart", "raw_inventory", "core_drive_days")),
)


def write_settings(folder: Path) -> Settings:
    """Write the settings of the release's fleet below ``folder`` and return them."""
    path = folder / "prefail.toml"
    path.write_text(_SETTINGS + f"raw_drive_smart = {_KEPT_DAYS}\n", "utf-8")
    return load_settings(path, {})


def make_lake(folder: Path) -> Lake:
    """Run a release's path over a small fleet below ``folder``."""
    settings = write_settings(folder)
    lake = open_settings_lake(settings)
    for n in range(N_DAYS):
        day = FIRST_DAY + dt.timedelta(days=n)
        ingest_day(day, settings, lake)
        build_day(day, settings, lake)
    for as_of in TRAINING_DAYS:
        facts = train_target(TARGET, as_of, settings, lake, who="release_lake", promote=False)
        assert facts.model_id is not None, facts.summary
        # The gate may say no to so small a history; the fixture needs a champion and a former one.
        promote_model(
            facts.model_id, TARGET, lake, who="release_lake", why="a fixture", as_of=as_of, comparison=()
        )
    score_day(LIST_DAY, settings, lake)
    publish_day(LIST_DAY, settings, lake)
    reconcile_tickets_day(LIST_DAY, settings, lake, today=LIST_DAY + dt.timedelta(days=1))
    for expired in find_expired(dict.fromkeys(_DAILY, _KEPT_DAYS), LIST_DAY, lake):
        delete_expired(expired, lake)
    return lake


def pack(folder: Path, archive: Path) -> None:
    """Write all files of ``folder`` to the archive: sorted, without times and owners."""
    with tarfile.open(archive, "w:gz", compresslevel=9) as packed:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.name.startswith("."):
                data = path.read_bytes()
                member = tarfile.TarInfo(str(path.relative_to(folder)))
                member.size = len(data)
                packed.addfile(member, io.BytesIO(data))


def main() -> int:
    """Make the lake of the release that is installed."""
    archive = LAKES / f"{metadata.version('prefail')}.tar.gz"
    with tempfile.TemporaryDirectory() as scratch:
        make_lake(Path(scratch))
        pack(Path(scratch) / "lake", archive)
    print(f"wrote {archive}: kB={archive.stat().st_size // 1000}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

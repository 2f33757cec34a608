"""A small deployment of its own for a person to click through: code, settings, a simulated fleet, a folder as lake."""

import datetime as dt
import shutil
from dataclasses import dataclass
from pathlib import Path

import yaml

PROJECT = Path(__file__).parents[2]
N_BACKFILLED_DAYS = 10

# Stricter than the contract that is shipped: every drive past this age is set aside as a damaged reading.
STRICT_HOURS = 34_000
_AGE_COLUMN = "smart_9_raw"

_SETTINGS = """\
[lake]
root = "lake"

[[sources]]
name = "drives"
kind = "simulated"
path = "fleet"
n_hosts = 30
drives_per_host = 12
seed = 7
first_day = "{first_day}"
n_days = {n_days}
annual_failure_rate = 1.0
"""

# Airflow reads a module of this name in every process. LocalExecutor forks its tasks from the scheduler, so what
# the scheduler has imported no task imports again: a third of the time. What is imported is unchanged.
_AIRFLOW_LOCAL_SETTINGS = """\
import sys

__all__ = ()

if "scheduler" in sys.argv:
    import pipelines.build, pipelines.ingest, pipelines.publish, pipelines.score, pipelines.ticket_step
    from pipelines.validation.gx_runner import quiet_great_expectations

    with quiet_great_expectations():
        pass
"""


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """Where everything of it lies, and the ten days that a person back-fills.

    ``yesterday`` is the day after them: the schedule delivers it as soon as the DAG is switched on.
    """

    folder: Path
    backfilled_days: tuple[dt.date, ...]
    yesterday: dt.date

    @property
    def code_folder(self) -> Path:
        return self.folder / "release"

    @property
    def settings_path(self) -> Path:
        return self.folder / "prefail.toml"

    @property
    def lake_folder(self) -> Path:
        return self.folder / "lake"

    @property
    def contract_path(self) -> Path:
        return self.code_folder / "data_contracts" / "raw_drive_smart.odcs.yaml"


def make_deployment(folder: Path, *, today: dt.date) -> Deployment:
    """Lay out a deployment below ``folder`` whose contract of raw_drive_smart is too strict about old drives."""
    yesterday = today - dt.timedelta(days=1)
    days = tuple(yesterday - dt.timedelta(days=back) for back in range(N_BACKFILLED_DAYS, 0, -1))
    made = Deployment(folder=folder, backfilled_days=days, yesterday=yesterday)
    for part in ("dags", "pipelines", "features", "data_contracts", "infra/make"):
        shutil.copytree(PROJECT / part, made.code_folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    made.settings_path.write_text(_SETTINGS.format(first_day=days[0], n_days=N_BACKFILLED_DAYS + 1), "utf-8")
    (made.code_folder / "airflow_local_settings.py").write_text(_AIRFLOW_LOCAL_SETTINGS, "utf-8")
    _tighten(made.contract_path)
    return made


def put_contract_right(deployment: Deployment) -> None:
    """Do what the runbook says: fix the contract's file, here by the one that is shipped."""
    shutil.copy(PROJECT / "data_contracts" / deployment.contract_path.name, deployment.contract_path)


def _tighten(path: Path) -> None:
    document = yaml.safe_load(path.read_text("utf-8"))
    (age,) = [prop for prop in document["schema"][0]["properties"] if prop["name"] == _AGE_COLUMN]
    (rule,) = age["quality"]
    age["quality"] = [
        {
            **rule,
            "id": "plausible_age",
            "name": f"lies in 0 to {STRICT_HOURS} hours",
            "implementation": {"check": "range", "minimum": 0, "maximum": STRICT_HOURS},
            "businessImpact": "No drive of this fleet is said to be that old; the reading must be damaged.",
        }
    ]
    path.write_text(yaml.safe_dump(document, sort_keys=False), "utf-8")

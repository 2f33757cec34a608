"""The DAGs as their processor sees them, described once for all tests of this folder."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

PROJECT = Path(__file__).parents[2]
DAGS_FOLDER = PROJECT / "dags"

# What the DAG files share is imported from the DAG folder, as Airflow does it.
sys.path.append(str(DAGS_FOLDER))


@pytest.fixture(scope="session")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """Return what ``describe_dags.py`` says of the DAG folder, parsed in a fresh process."""
    described = subprocess.run(
        [sys.executable, Path(__file__).parent / "describe_dags.py", DAGS_FOLDER],
        env={
            **os.environ,
            "AIRFLOW_HOME": str(tmp_path_factory.mktemp("airflow")),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert described.returncode == 0, described.stderr
    return json.loads(described.stdout, object_hook=lambda fields: SimpleNamespace(**fields))


@pytest.fixture(scope="session")
def dags(parsed: SimpleNamespace) -> dict[str, SimpleNamespace]:
    """Return the DAGs by id; never empty, so that a rule over all of them can't pass on none."""
    assert parsed.dags
    return {dag.dag_id: dag for dag in parsed.dags}

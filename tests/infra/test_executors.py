"""The executors that docs/deployment.md names can be loaded with the versions that are locked."""

import subprocess
import sys
from pathlib import Path

import pytest

_LOAD = """
import os, sys
os.environ |= {"AIRFLOW_HOME": sys.argv[1], "AIRFLOW__CORE__EXECUTOR": sys.argv[2]}
from airflow.executors.executor_loader import ExecutorLoader
executor, _ = ExecutorLoader.import_default_executor_cls()
print(executor.__name__)
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["CeleryExecutor", "KubernetesExecutor"])
def test_an_executor_of_the_image_can_be_loaded(name: str, tmp_path: Path) -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", _LOAD, tmp_path, name], capture_output=True, text=True, check=False
    )
    assert loaded.returncode == 0, loaded.stderr[-2000:]
    assert loaded.stdout.split()[-1] == name

"""The lake's credentials from an Airflow connection: they reach the lake, and nothing that is written down."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.connection import with_connection
from pipelines.lake_settings import LakeSettings
from pipelines.settings import Settings

PROJECT = Path(__file__).parents[2]
_SCRIPT = """\
from pipelines.lake import open_lake
from prefail_airflow.steps import read_run_settings
settings = read_run_settings()
lake = open_lake(settings.lake.root, settings.lake)
credentials = lake.store._client._request_signer._credentials
print([credentials.access_key, credentials.secret_key, lake.store.root, settings.lake.region])
print(settings, settings.model_dump_json())
"""


def run_as_task(script: str, folder: Path, **connections: str) -> list[str]:
    """Run a script where DAGs run, with the ``prefail.toml`` of ``folder``; return the lines that it printed."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        env={
            **os.environ,
            "AIRFLOW_HOME": str(folder / "airflow"),
            "PREFAIL_CONFIG": str(folder / "prefail.toml"),
            "PYTHONPATH": f"{PROJECT / 'dags'}{os.pathsep}{PROJECT}",
            **connections,
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_dag_opens_the_lake_with_the_connection_s_credentials(tmp_path: Path) -> None:
    (tmp_path / "prefail.toml").write_text(
        '[lake]\nroot = "s3://fleet/lake"\nairflow_connection = "lake"\n', "utf-8"
    )
    connection = {
        "conn_type": "aws",
        "login": "planted-key-id",
        "password": "planted-secret",
        "extra": {"region_name": "eu-central-1"},
    }
    lines = run_as_task(_SCRIPT, tmp_path, AIRFLOW_CONN_LAKE=json.dumps(connection))
    first, *others = [line for line in lines if "planted-key-id" in line]
    assert first == "['planted-key-id', 'planted-secret', 's3://fleet/lake', 'eu-central-1']"
    assert others
    assert not any("planted-secret" in line for line in others)


_TRACKER_SCRIPT = """\
from prefail_airflow.steps import open_run
from pipelines.tickets.remote.credentials import TrackerCredentials
settings, lake = open_run()
found = TrackerCredentials.from_environment()
print([found.user, found.password, found.token])
"""


@pytest.mark.parametrize(
    ("connection", "expected"),
    [
        ({"conn_type": "http", "login": "bot", "password": "planted"}, "['bot', 'planted', None]"),
        ({"conn_type": "http", "password": "planted"}, "[None, None, 'planted']"),
        ({"conn_type": "http", "login": "bot", "extra": {"token": "planted"}}, "['bot', None, 'planted']"),
    ],
)
def test_a_dag_gives_the_tracker_the_connection_s_credentials(
    tmp_path: Path, connection: dict[str, object], expected: str
) -> None:
    (tmp_path / "prefail.toml").write_text('[tickets]\nairflow_connection = "tracker"\n', "utf-8")
    lines = run_as_task(_TRACKER_SCRIPT, tmp_path, AIRFLOW_CONN_TRACKER=json.dumps(connection))
    assert expected in lines


def test_what_a_connection_does_not_say_stays() -> None:
    settings = Settings(lake=LakeSettings(root="s3://a", region="eu-west-1", access_key_id="ours"))
    taken = with_connection(settings, key_id=None, secret=None, extra={"aws_session_token": "t"}).lake
    assert (taken.region, taken.access_key_id) == ("eu-west-1", "ours")
    assert taken.session_token is not None
    assert taken.session_token.get_secret_value() == "t"

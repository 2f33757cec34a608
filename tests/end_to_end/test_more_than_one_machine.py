"""PostgreSQL, two schedulers, two Celery workers: the same bytes as one process after the other."""

import datetime as dt
import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from cluster import Cluster, run_cluster

from pipelines.build import build_day
from pipelines.day_runs import open_settings_lake
from pipelines.ingest import ingest_day
from pipelines.monitoring.drift_gate import check_drift
from pipelines.publish import publish_day
from pipelines.score import score_day
from pipelines.settings import ScoringSettings, load_settings
from pipelines.ticket_step import reconcile_tickets_day

PROJECT = Path(__file__).parents[2]
N_DAYS = 4
N_GROUPS = 3  # of a day's scoring, in Airflow; by hand it is one
# Who runs the steps; each has a lake of its own with the same history.
BY_HAND, LOCAL, CELERY = "by_hand", "local", "celery"


@dataclass(frozen=True, kw_only=True)
class Fleets:
    """The same small fleet three times, built up to yesterday; ``days`` are those that are run again.

    The latest first, as the schedule does that delivers yesterday when it is switched on; a list depends on
    what was scored before it.
    """

    folder: Path
    days: tuple[dt.date, ...]

    def settings(self, name: str) -> Path:
        return self.folder / name / "prefail.toml"

    def digests(self, name: str) -> dict[str, str]:
        """Return the digest of every object; scored shards, which one process has none of, lock files, Data Docs
        (random ids) and run records (seconds) aside.
        """
        root = self.folder / name / "lake"
        return {
            str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(root.rglob("*"))
            if path.is_file()
            and not path.name.startswith(".")
            and not {"data_docs", "runs", "scored_shards"} & set(path.parts)
        }


@pytest.fixture
def fleets(tmp_path: Path) -> Fleets:
    yesterday = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)
    days = tuple(yesterday - dt.timedelta(days=back) for back in reversed(range(N_DAYS)))
    sources = "".join(
        f"""
[[sources]]
name = "{name}"
kind = "simulated"
path = "{name}"
n_hosts = 10
drives_per_host = 4
seed = {seed}
first_day = "{days[0]}"
n_days = {N_DAYS}
annual_failure_rate = 1.0
"""
        for seed, name in enumerate(("east", "west"))
    )
    made = Fleets(folder=tmp_path / "fleets", days=days[:-3:-1])
    first = made.folder / BY_HAND
    first.mkdir(parents=True)
    made.settings(BY_HAND).write_text(
        f'targets = ["drive_fails_30d"]\n[lake]\nroot = "lake"\n[list]\nminimum_risk = 0.0\n'
        f"[scoring]\nn_shard_groups = {N_GROUPS}\n{sources}",
        "utf-8",
    )
    settings = load_settings(made.settings(BY_HAND), {})
    lake = open_settings_lake(settings)
    for day in days:
        ingest_day(day, settings, lake)
        build_day(day, settings, lake)
    for name in (LOCAL, CELERY):
        shutil.copytree(first, made.folder / name)
    in_one_group = settings.model_copy(update={"scoring": ScoringSettings(n_shard_groups=1)})
    for day in made.days:
        score_day(day, in_one_group, lake)
        check_drift(day, settings, lake)
        publish_day(day, settings, lake)
        reconcile_tickets_day(day, settings, lake, today=yesterday + dt.timedelta(days=1))
    return made


def n_done(cluster: Cluster, day: dt.date) -> int:
    """Return how often the day's chain has ended well; fails where a part of Airflow has ended."""
    cluster.require_all_running()
    return sum(
        run.state == "success" and run.partition_key == day.isoformat()
        for run in cluster.server.runs("ticket_day")
    )


def run_day(cluster: Cluster, day: dt.date) -> None:
    """Start the chain of one day and wait for its end."""
    before = n_done(cluster, day)
    cluster.server.trigger("ingest_day", partition_key=day.isoformat())
    cluster.server.wait_for(f"{day}", lambda: n_done(cluster, day) > before, seconds=420)


@pytest.mark.service
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_schedulers_and_celery_workers_write_what_one_process_writes(
    fleets: Fleets, tmp_path: Path
) -> None:
    expected = fleets.digests(BY_HAND)
    assert f"out_at_risk_hosts/day={fleets.days[0]}/part-00.parquet" in expected
    with run_cluster(tmp_path / "cluster", PROJECT / "dags") as cluster:
        # LocalExecutor: the steps are children of the two schedulers.
        local = {"AIRFLOW__CORE__EXECUTOR": "LocalExecutor", "PREFAIL_CONFIG": str(fleets.settings(LOCAL))}
        for name in ("scheduler-1", "scheduler-2"):
            cluster.start(name, "scheduler", more=local)
        cluster.wait_until_up()
        cluster.server.unpause("ingest_day")  # runs yesterday at once
        yesterday, day_before = fleets.days
        cluster.server.wait_for("yesterday", lambda: n_done(cluster, yesterday) == 1, seconds=420)
        run_day(cluster, day_before)
        alive = cluster.query(
            "select count(*) from job where job_type = 'SchedulerJob' and state = 'running'"
        )
        assert alive == [(2,)]
        assert fleets.digests(LOCAL) == expected

        # CeleryExecutor: the steps run in whichever worker takes them from Redis.
        cluster.stop("scheduler-1", "scheduler-2")
        celery = {"AIRFLOW__CORE__EXECUTOR": "CeleryExecutor", "PREFAIL_CONFIG": str(fleets.settings(CELERY))}
        for name in ("worker-1", "worker-2"):
            worker = (
                "celery",
                "worker",
                "--concurrency",
                "1",
                "--celery-hostname",
                f"{name}@%h",
                "--skip-serve-logs",
            )
            cluster.start(name, *worker, more=celery)
        cluster.start("scheduler-3", "scheduler", more=celery)
        for day in fleets.days:
            run_day(cluster, day)
        assert fleets.digests(CELERY) == expected
        groups = "select count(distinct rendered_map_index) from task_instance where task_id = 'score'"
        assert cluster.query(groups) == [(N_GROUPS,)]
        # Each worker took some of the work.
        ran = "select count(*) from celery_taskmeta where worker like %s"
        assert all(cluster.query(ran, f"{name}@%")[0][0] > 0 for name in ("worker-1", "worker-2"))
        # Two schedulers or two workers: nothing was started twice, nothing needed a second try.
        assert cluster.query("select max(try_number) from task_instance where state = 'success'") == [(1,)]
        undone = "select count(*) from task_instance where state not in ('success', 'skipped')"
        assert cluster.query(undone) == [(0,)]

"""A person's ten days: back-fill them, look at what came of it, run one again after a contract was put right.

The test goes through it and checks; `python -m tests.ui.screenshots` goes through it and takes pictures.
"""

import datetime as dt
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page

from tests.end_to_end.airflow_server import AirflowServer
from tests.ui.airflow_pages import AirflowPages, BackfillRow
from tests.ui.deployment import Deployment

HEAD = "ingest_day"
HEAD_TITLE = "Ingest a day"
FOLLOWERS = ("score_day", "ticket_day")

Take = Callable[[Page, str], None]


@dataclass(frozen=True, kw_only=True)
class WrittenPages:
    """Where the last line of a task's log says that its output and the Data Docs lie."""

    output: Path
    data_docs: Path


class BackfillStory:
    """One person, one browser window, one deployment behind a running Airflow."""

    def __init__(self, page: Page, airflow: AirflowServer, deployment: Deployment, take: Take) -> None:
        self.page = page
        self.pages = AirflowPages(page, airflow.url)
        self.airflow = airflow
        self.deployment = deployment
        self._take = take

    def backfill_ten_days(self) -> str:
        """Fill in the form for all ten days and start it; what the form promised comes back."""
        days = self.deployment.backfilled_days
        self.pages.open_dag(HEAD, HEAD_TITLE)
        promise = self.pages.fill_backfill_form(days[0], days[-1], reprocess="Missing Runs", n_at_once=2)
        self._take(self.page, "backfill-form")
        self.pages.start_backfill()
        return promise

    def watch_to_the_end(self, days_run: Sequence[dt.date]) -> BackfillRow:
        """Wait until the runs of ``days_run``, with repeats, are through every DAG; return the newest back-fill."""
        keys = sorted(day.isoformat() for day in days_run)
        for dag_id in (HEAD, *FOLLOWERS):
            self.airflow.wait_for(
                f"{dag_id} of {keys}", lambda dag_id=dag_id: self._finished_keys(dag_id) == keys, seconds=400
            )
        newest = self.pages.read_backfills(HEAD)[-1]
        self._take(self.page, "backfill-done")
        return newest

    def look_at_partitions(self, asset: str) -> Sequence[str]:
        """Return the partition keys on an asset's page, newest first."""
        keys = self.pages.read_partitions(asset)
        self._take(self.page, f"asset-{asset.replace('_', '-')}")
        return keys

    def read_what_task_wrote(self, dag_id: str, task_id: str, day: dt.date) -> WrittenPages:
        """Read from the log of a task of the newest run of ``day`` where its pages lie."""
        runs = [run for run in self.airflow.runs(dag_id) if run.partition_key == day.isoformat()]
        words = self.pages.read_last_words(dag_id, max(run.run_id for run in runs), task_id)
        found = re.search(r"\| output: (.+) \| Data Docs: (.+)$", words)
        assert found, words
        return WrittenPages(output=Path(found[1]), data_docs=Path(found[2]))

    def reprocess(self, day: dt.date) -> str:
        """Run one day again by the same form, done or not; what the form promised comes back."""
        self.pages.open_dag(HEAD, HEAD_TITLE)
        promise = self.pages.fill_backfill_form(day, day, reprocess="All Runs", n_at_once=1)
        self.pages.start_backfill()
        return promise

    def _finished_keys(self, dag_id: str) -> list[str]:
        return sorted(run.partition_key or "" for run in self.airflow.runs(dag_id) if run.state == "success")


def take_into(folder: Path) -> Take:
    """Return what saves a picture of the window as ``<folder>/<name>.png``."""
    folder.mkdir(parents=True, exist_ok=True)

    def take(page: Page, name: str) -> None:
        page.wait_for_load_state("networkidle")  # what is drawn late
        page.screenshot(path=folder / f"{name}.png", animations="disabled")

    return take

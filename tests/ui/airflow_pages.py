"""What a person does in the Airflow UI, by the words that stand there; ids and positions change with releases."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from playwright.sync_api import Locator, Page, expect

Reprocess = Literal["Missing Runs", "Missing and Errored Runs", "All Runs"]


@dataclass(frozen=True, kw_only=True)
class BackfillRow:
    """A row of a DAG's Backfills tab. ``completed_at`` is empty while it runs."""

    first_day: str
    last_day: str
    reprocess: str
    completed_at: str


class AirflowPages:
    """One person at one browser window, in front of one Airflow."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url

    def open_dag(self, dag_id: str, title: str) -> None:
        """Open the page of a DAG and wait until it shows its title."""
        self.page.goto(f"{self.url}/dags/{dag_id}")
        expect(self.page.get_by_role("heading", name=title, exact=True)).to_be_visible()

    def fill_backfill_form(
        self, first_day: dt.date, last_day: dt.date, *, reprocess: Reprocess, n_at_once: int
    ) -> str:
        """Fill in the form behind Trigger, Backfill; return what it says it is going to do."""
        self.page.get_by_role("button", name="Trigger Dag").click()
        self._form.get_by_text("Run this Dag for a range of dates").click()
        self._pick_day("From", first_day)
        self._pick_day("To", last_day)
        self._form.get_by_role("radiogroup", name="Reprocess Behavior").get_by_text(
            reprocess, exact=True
        ).click()
        self._form.get_by_role("spinbutton").fill(str(n_at_once))
        promise = self._form.get_by_text("will be triggered.")
        expect(promise).to_be_visible()
        return promise.inner_text()

    def start_backfill(self) -> None:
        """Press the form's button and wait for Airflow's word that the runs are made."""
        self._form.get_by_role("button", name="Run Backfill").click()
        # Shown twice for a moment, while it slides in.
        expect(self.page.get_by_text("Backfill generated").first).to_be_visible()

    def read_backfills(self, dag_id: str) -> list[BackfillRow]:
        """Return the rows of the Backfills tab, oldest first."""
        self.page.goto(f"{self.url}/dags/{dag_id}/backfills")
        table = self.page.get_by_role("table").filter(has_text="Reprocess Behavior")
        expect(table.get_by_role("row").nth(1)).to_be_visible()
        names = table.get_by_role("columnheader").all_inner_texts()
        place = {name: at for at, name in enumerate(names)}
        rows = [row.get_by_role("cell").all_inner_texts() for row in table.get_by_role("row").all()[1:]]
        return [
            BackfillRow(
                first_day=cells[place["From"]].strip()[:10],
                last_day=cells[place["To"]].strip()[:10],
                reprocess=cells[place["Reprocess Behavior"]].strip(),
                completed_at=cells[place["Completed at"]].strip(),
            )
            for cells in rows
        ]

    def read_partitions(self, asset: str) -> Sequence[str]:
        """Open an asset from the list of assets; return the partition key of each of its events, newest first.

        While a run that an event set going is still queued, Airflow 3.3.2 answers this page's question with an
        internal error (its reply needs a start date) and the page stays grey: ask when the runs have started.
        """
        self.page.goto(f"{self.url}/assets")
        self.page.get_by_role("link", name=asset, exact=True).click()
        events = self.page.get_by_text("Partition Key:")
        expect(events.first).to_be_visible()
        return [text.partition("Partition Key:")[2].split()[0] for text in events.all_inner_texts()]

    def read_last_words(self, dag_id: str, run_id: str, task_id: str) -> str:
        """Open the log of one task of a run; return what its last line says that the task returned."""
        self.page.goto(f"{self.url}/dags/{dag_id}/runs/{run_id}/tasks/{task_id}")
        line = self.page.get_by_text("Returned value was:").first
        expect(line).to_be_visible()
        return line.inner_text().partition("Returned value was:")[2].strip()

    @property
    def _form(self) -> Locator:
        return self.page.get_by_role("dialog").filter(has_text="Run this Dag for a range of dates")

    def _pick_day(self, label: str, day: dt.date) -> None:
        field = self._form.get_by_role("group").filter(has=self.page.get_by_text(label, exact=True))
        field.get_by_text("Select date and time").click()
        box = self.page.get_by_role("textbox", name=label, exact=True)
        box.fill(f"{day:%Y/%m/%d}")
        box.press("Enter")
        # Closes the calendar; the form itself stays.
        box.press("Escape")
        expect(field).to_contain_text(f"{day:%b} {day.day}, {day.year}")

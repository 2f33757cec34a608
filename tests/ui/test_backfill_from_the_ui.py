"""A person at the Airflow UI, in a real browser: back-fills ten days, reads what came of it, runs one day again."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ui.backfill_story import BackfillStory, take_into
from tests.ui.chromium import open_chromium
from tests.ui.deployment import N_BACKFILLED_DAYS, STRICT_HOURS, make_deployment, put_contract_right
from tests.ui.lake_pages import digest_lake, open_data_docs, open_report
from tests.ui.running_up import run_up

IMAGE_LIMIT_BYTES = 150_000


@pytest.fixture
def story(tmp_path: Path) -> Iterator[BackfillStory]:
    deployment = make_deployment(tmp_path / "site", today=dt.datetime.now(dt.UTC).date())
    with open_chromium() as page, run_up(deployment) as airflow:
        yield BackfillStory(page, airflow, deployment, take_into(tmp_path / "pictures"))


@pytest.mark.service
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_person_backfills_ten_days_and_after_a_contract_was_fixed_only_the_day_run_again_differs(
    story: BackfillStory, tmp_path: Path
) -> None:
    deployment, lake = story.deployment, story.deployment.lake_folder
    days = deployment.backfilled_days

    # The form says what it will do, and the back-fill does it; switched on, the DAG delivers yesterday as well.
    assert story.backfill_ten_days() == f"{N_BACKFILLED_DAYS} runs will be triggered."
    backfill = story.watch_to_the_end([*days, deployment.yesterday])
    assert (backfill.first_day, backfill.last_day) == (days[0].isoformat(), days[-1].isoformat())
    assert backfill.completed_at

    # Every day is a partition of both assets.
    partitions = sorted(day.isoformat() for day in (*days, deployment.yesterday))
    assert sorted(story.look_at_partitions("component_days")) == partitions
    assert sorted(story.look_at_partitions("out_at_risk_hosts")) == partitions

    # A log says where the report is; the report's day, and why its Data Docs are not all green.
    day = days[len(days) // 2]
    written = story.read_what_task_wrote("score_day", "publish", day)
    report = open_report(story.page, lake, day)
    assert report.path == written.output
    assert report.title == f"At-risk hosts, {day}"
    verdict = open_data_docs(story.page, written.data_docs, "raw_drive_smart")
    assert f"less than or equal to {STRICT_HOURS}." in verdict
    assert "unexpected values found" in verdict

    # The contract is put right and the day run again: what was set aside of it comes back, of it alone.
    before = digest_lake(lake)
    put_contract_right(deployment)
    assert story.reprocess(day) == "1 run will be triggered."
    again = story.watch_to_the_end([*days, deployment.yesterday, day])
    assert (again.first_day, again.last_day, again.reprocess) == (str(day), str(day), "All Runs")

    after = digest_lake(lake)
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert changed
    assert {name for name in changed if day.isoformat() not in name} == set()
    assert f"quarantine/raw_drive_smart/day={day}/part-drives.parquet" in before.keys() - after.keys()
    assert open_report(story.page, lake, day).n_components > report.n_components

    pictures = list((tmp_path / "pictures").glob("*.png"))
    assert len(pictures) >= 4
    assert all(picture.stat().st_size < IMAGE_LIMIT_BYTES for picture in pictures)

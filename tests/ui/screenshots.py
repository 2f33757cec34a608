"""``python -m tests.ui.screenshots``: take the pictures of docs/images anew, from a real Airflow (minutes)."""

import datetime as dt
import sys
import tempfile
from pathlib import Path

from tests.ui.backfill_story import BackfillStory, take_into
from tests.ui.chromium import open_chromium
from tests.ui.deployment import PROJECT, make_deployment
from tests.ui.lake_pages import open_report
from tests.ui.running_up import run_up

IMAGES = PROJECT / "docs" / "images"


def main() -> int:
    """Go through the first half of the test's story on a deployment that is thrown away afterwards."""
    with tempfile.TemporaryDirectory(prefix="prefail-screenshots-") as scratch:
        deployment = make_deployment(Path(scratch) / "site", today=dt.datetime.now(dt.UTC).date())
        take = take_into(IMAGES)
        with open_chromium() as page, run_up(deployment) as airflow:
            story = BackfillStory(page, airflow, deployment, take)
            story.backfill_ten_days()
            story.watch_to_the_end([*deployment.backfilled_days, deployment.yesterday])
            story.look_at_partitions("component_days")
            open_report(page, deployment.lake_folder, deployment.backfilled_days[-1])
            take(page, "report")
    for image in sorted(IMAGES.glob("*.png")):
        print(f"{image.relative_to(PROJECT)}: kB={image.stat().st_size // 1000}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

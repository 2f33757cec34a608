"""Publish a day's at-risk list: as Parquet, as CSV, as a report, and last by the pointer that readers follow."""

import datetime as dt
import logging

from pipelines.at_risk_table import DATASET
from pipelines.lake import Lake
from pipelines.list_edition import compose_edition
from pipelines.list_explanation import Explain, explain_with_model
from pipelines.publication import publish_for_readers
from pipelines.published_list import move_latest, write_day_copies, write_edition
from pipelines.settings import Settings
from pipelines.step_facts import StepFacts

log = logging.getLogger(__name__)


def publish_day(
    day: dt.date, settings: Settings, lake: Lake, *, explain: Explain = explain_with_model
) -> StepFacts:
    """Make the list of ``day`` from out_predictions visible, whole or not at all.

    The edition is written under a name of its own, then the dataset, the day's copies and what readers
    see elsewhere, then ``latest.json``, and that only if it does not name a later day. Killed at any
    point, ``latest.json`` names the list it named before, unchanged; running again ends in the same bytes.
    """
    edition = compose_edition(day, settings, lake, explain)
    write_edition(edition.manifest, edition.files, lake)
    lake.write_day(DATASET, day, edition.table)
    write_day_copies(edition.manifest, edition.files, lake)
    publish_for_readers(edition.manifest, edition.files, settings, lake)
    is_latest = move_latest(edition.manifest, lake)
    facts = StepFacts(
        step="published",
        day=day,
        facts=(
            ("listed", edition.manifest.n_listed),
            ("hosts", len(edition.table["host_id"].unique())),
            ("scored", edition.manifest.n_scored),
            ("abstained", edition.manifest.n_abstained),
            *([("outages", len(edition.manifest.outages))] if edition.manifest.outages else []),
            ("edition", edition.manifest.edition),
            ("is_latest", is_latest),
        ),
    )
    log.info(facts.summary)
    for outage in edition.manifest.outages:
        log.warning(f"the list of {day} is not whole: {outage}")
    return facts

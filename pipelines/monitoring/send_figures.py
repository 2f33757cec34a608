"""Bring a day's figures to Prometheus, where the settings say."""

import datetime as dt
import logging
from pathlib import Path

from pipelines.lake import Lake
from pipelines.monitoring.exposition import push_figures, write_textfile
from pipelines.monitoring.measure import measure_day
from pipelines.settings import Settings
from pipelines.step_facts import StepFacts

log = logging.getLogger(__name__)


def send_figures_day(day: dt.date, settings: Settings, lake: Lake) -> StepFacts:
    """Write the day's figures to ``[metrics]`` textfile and pushgateway, either of which may be unset.

    Figures of a later day that are there are replaced, too: what runs last is what was looked at last.
    """
    samples = measure_day(day, settings, lake)
    sent_to = []
    if settings.metrics.textfile is not None:
        write_textfile(samples, settings.environment, Path(settings.resolve_path(settings.metrics.textfile)))
        sent_to.append("textfile")
    if settings.metrics.pushgateway is not None:
        push_figures(samples, settings.environment, settings.metrics.pushgateway)
        sent_to.append("pushgateway")
    facts = StepFacts(
        step="measured",
        day=day,
        facts=(("figures", len(samples)), ("sent_to", ",".join(sent_to) or "nobody")),
    )
    log.info(facts.summary)
    return facts

"""Figures of tickets: how old the open ones are, and how often closed ones proved right."""

import datetime as dt
import logging

from pipelines.errors import PrefailError
from pipelines.lake import Lake
from pipelines.monitoring.figures.metric import Metric, Sample
from pipelines.realised_rates import RateScope, read_realised_rates
from pipelines.settings import Settings
from pipelines.tickets.trackers import open_tracker_reader

log = logging.getLogger(__name__)

_AGES = (("0-7d", 7), ("8-14d", 14), ("15-30d", 30), ("over_30d", None))

TRACKER_UP = Metric(name="prefail_tracker_up", help="1 if the ticketing system could be read, else 0.")
OPEN = Metric(
    name="prefail_open_tickets", help="Open tickets by days since they were opened.", labels=("age",)
)
OVERDUE = Metric(name="prefail_overdue_tickets", help="Open tickets whose due day is over.")
CLOSED = Metric(
    name="prefail_closed_tickets", help="Tickets closed in the span of realised rates, up to the day."
)
JUDGED = Metric(
    name="prefail_judged_tickets", help="Of them, those on which somebody looked and found a fault or none."
)
PRECISION = Metric(
    name="prefail_ticket_precision_ratio",
    help="Realised precision: confirmed among judged tickets; nothing where none was judged.",
)
METRICS = (TRACKER_UP, OPEN, OVERDUE, CLOSED, JUDGED, PRECISION)


def measure(day: dt.date, settings: Settings, lake: Lake) -> list[Sample]:
    """Return the ages of open tickets, if the tracker answers, and the latest realised rates."""
    # The rates of the evening of ``day`` are those of lists after it.
    rate = read_realised_rates(lake, day + dt.timedelta(days=1)).find(RateScope.ALL)
    samples = _measure_open(day, settings)
    if rate is not None:
        samples += [CLOSED.sample(rate.n_closed), JUDGED.sample(rate.n_judged)]
        if rate.precision is not None:
            samples.append(PRECISION.sample(rate.precision))
    return samples


def _measure_open(day: dt.date, settings: Settings) -> list[Sample]:
    try:
        tickets = open_tracker_reader(settings).list_open(settings.environment)
    except PrefailError as error:
        log.warning(f"no figures of tickets of {day}: {error}")
        return [TRACKER_UP.sample(0)]
    ages = [(day - ticket.record.opened_day).days for ticket in tickets]
    samples = [
        TRACKER_UP.sample(1),
        OVERDUE.sample(sum(ticket.record.due_day < day for ticket in tickets)),
    ]
    youngest = None
    for name, oldest in _AGES:
        inside = [
            age for age in ages if (youngest is None or age > youngest) and (oldest is None or age <= oldest)
        ]
        samples.append(OPEN.sample(len(inside), name))
        youngest = oldest
    return samples

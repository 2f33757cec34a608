"""Which sources are silent that used to deliver: a kind of component can't be judged by what nobody sent.

A source that delivered (``deliveries``) within the last week and not on the day is down.
"""

import datetime as dt
from dataclasses import dataclass

from data_contracts.loader import list_contracts
from pipelines.deliveries import has_delivered
from pipelines.lake import Lake
from pipelines.settings import Settings

USUAL_DAYS = 7


@dataclass(frozen=True, kw_only=True)
class SourceOutage:
    """A source without the day; ``kind`` is the source's.

    ``datasets``: what it delivered in the week to ``last_day``, the last day that it delivered anything of.
    """

    source: str
    kind: str
    datasets: tuple[str, ...]
    last_day: dt.date


def find_outages(day: dt.date, settings: Settings, lake: Lake) -> tuple[SourceOutage, ...]:
    """Return the sources of ``[day - 7, day - 1]`` that delivered nothing of ``day``, in the settings' order."""
    outages = []
    for source in settings.sources:
        if has_delivered(source.name, day, lake):
            continue
        last_day = next((at for at in week_before(day) if has_delivered(source.name, at, lake)), None)
        if last_day is not None:
            outages.append(
                SourceOutage(
                    source=source.name,
                    kind=source.kind,
                    datasets=_datasets_of(source.name, last_day, lake),
                    last_day=last_day,
                )
            )
    return tuple(outages)


def week_to(day: dt.date) -> tuple[dt.date, ...]:
    """Return the ``USUAL_DAYS`` days that end with ``day``, the latest first."""
    return tuple(day - dt.timedelta(days=back) for back in range(USUAL_DAYS))


def week_before(day: dt.date) -> tuple[dt.date, ...]:
    """Return the ``USUAL_DAYS`` days before ``day``, the latest first."""
    return week_to(day - dt.timedelta(days=1))


def _datasets_of(source: str, last_day: dt.date, lake: Lake) -> tuple[str, ...]:
    raw = [dataset for dataset in list_contracts() if dataset.startswith("raw_")]
    return tuple(
        dataset for dataset in raw if any(lake.has_day(dataset, at, part=source) for at in week_to(last_day))
    )

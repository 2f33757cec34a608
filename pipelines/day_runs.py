"""Do one step for many days: one after the other, or some processes side by side."""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor

from pipelines.lake import Lake, open_lake
from pipelines.lake_format import require_known_format
from pipelines.progress import track
from pipelines.settings import Settings
from pipelines.step_facts import StepFacts

DayStep = Callable[[dt.date, Settings, Lake], StepFacts]

_MOST_DAYS_AT_ONCE = 30


def open_settings_lake(settings: Settings) -> Lake:
    """Open the lake that the settings name; ``LakeFormatError`` if a newer release has written it."""
    return require_known_format(open_lake(settings.resolve_path(settings.lake.root), settings.lake))


def run_days(
    days: Sequence[dt.date], step: DayStep, settings: Settings, *, title: str, n_processes: int = 1
) -> Iterator[StepFacts]:
    """Yield the facts of each day, oldest first; with several processes ``step`` must pickle.

    The first error ends the run. Days done before it stay done.
    """
    if n_processes == 1 or len(days) < 2:
        lake = open_settings_lake(settings)
        for day in track(days, title):
            yield step(day, settings, lake)
        return
    # Consecutive days stay with one process: the check of a day's volume looks at the days before it.
    size = min(_MOST_DAYS_AT_ONCE, -(-len(days) // n_processes))
    chunks = [days[start : start + size] for start in range(0, len(days), size)]
    with ProcessPoolExecutor(n_processes) as pool:
        futures = [pool.submit(_run_chunk, chunk, step, settings) for chunk in chunks]
        try:
            for future in track(futures, title):
                yield from future.result()
        except BaseException:
            # Days that wait behind a failed one are not started; those under way end.
            pool.shutdown(cancel_futures=True)
            raise


def _run_chunk(days: Sequence[dt.date], step: DayStep, settings: Settings) -> list[StepFacts]:
    lake = open_settings_lake(settings)
    return [step(day, settings, lake) for day in days]

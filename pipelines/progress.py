"""Show how far long work is: a bar on a terminal, a line a minute in logs."""

import logging
import sys
import time
from collections.abc import Iterator, Sequence
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

log = logging.getLogger(__name__)

T = TypeVar("T")
_LOG_EVERY_SECONDS = 60.0


def track(items: Sequence[T], title: str) -> Iterator[T]:
    """Yield ``items`` and show progress: ``title`` is a verb in -ing form and its object."""
    if len(items) < 2:
        yield from items
    elif sys.stderr.isatty():
        yield from _with_bar(items, title)
    else:
        yield from _with_log_lines(items, title)


def _with_bar(items: Sequence[T], title: str) -> Iterator[T]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=len(items))
        for item in items:
            yield item
            bar.advance(task)


def _with_log_lines(items: Sequence[T], title: str) -> Iterator[T]:
    started = last = time.monotonic()
    for done, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if now - last >= _LOG_EVERY_SECONDS and done < len(items):
            last = now
            left_seconds = (now - started) / done * (len(items) - done)
            log.info(f"{title}: done={done} of={len(items)} minutes_left={left_seconds / 60:.0f}")

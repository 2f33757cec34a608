"""Read what comes next while the last is being worked on."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_N_AHEAD = 2


def read_ahead(items: Iterable[Item], read: Callable[[Item], Result]) -> Iterator[Result]:
    """Yield ``read(item)`` of each item in order; the next two are read meanwhile, in threads of their own.

    An error is raised where its item's turn is. ``read`` must be safe to call from several threads.
    """
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(_N_AHEAD, thread_name_prefix="read-ahead") as threads:
        try:
            for item in items:
                waiting.append(threads.submit(read, item))
                if len(waiting) > _N_AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for unused in waiting:
                unused.cancel()

"""Reading ahead changes when things are read, and nothing else."""

import threading

import pytest

from pipelines.errors import MissingInputError
from pipelines.read_ahead import read_ahead


def test_results_come_in_order_whichever_is_read_first() -> None:
    second_is_read = threading.Event()

    def read(item: int) -> int:
        if item == 0:
            assert second_is_read.wait(10)
        else:
            second_is_read.set()
        return item * 10

    assert list(read_ahead(range(5), read)) == [0, 10, 20, 30, 40]


def test_an_error_is_raised_where_its_item_is() -> None:
    def read(item: int) -> int:
        if item == 2:
            raise MissingInputError("day 2 is missing")
        return item

    results = read_ahead(range(10), read)

    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(MissingInputError, match="day 2"):
        next(results)


def test_no_more_than_a_few_results_wait_in_memory() -> None:
    n_read = 0

    def read(item: int) -> int:
        nonlocal n_read
        n_read += 1
        return item

    results = read_ahead(range(100), read)
    next(results)
    results.close()

    assert n_read <= 4


def test_nothing_to_read_is_no_error() -> None:
    assert list(read_ahead([], int)) == []

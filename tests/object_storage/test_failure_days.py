"""The roll-up of failures: never another answer than the days themselves, with fewer requests."""

import datetime as dt

import pyarrow as pa
import pytest

from pipelines.failure_days import ROLL_UP_KEY, read_failure_parts
from pipelines.lake import Lake
from pipelines.s3.store import S3Store
from tests.object_storage.seaweed_server import READ_ONLY, SeaweedServer

pytestmark = pytest.mark.service

DAYS = tuple(dt.date(2026, 1, 1) + dt.timedelta(days=n) for n in range(12))


def failures(*keys: int) -> pa.Table:
    n = len(keys)
    return pa.table(
        {
            "component_key": pa.array(keys, pa.uint64()),
            "component_kind": pa.array(["drive"] * n, pa.string()),
            "model": pa.array(["a"] * n, pa.string()),
            "is_confirmed": pa.array([True] * n, pa.bool_()),
            "known_at": pa.array([dt.datetime(2026, 1, 1, tzinfo=dt.UTC)] * n, pa.timestamp("us", "UTC")),
        }
    )


@pytest.fixture
def lake(s3_store: S3Store) -> Lake:
    lake = Lake(s3_store)
    for n, day in enumerate(DAYS[:-2]):
        lake.write_day("core_failures", day, failures(*range(n % 3)))
    return lake


def keys_by_day(lake: Lake) -> dict[dt.date, list[int]]:
    keys: dict[dt.date, list[int]] = {}
    for found in read_failure_parts(lake, None, DAYS[-1]):
        keys.setdefault(found.day, []).extend(found.rows["component_key"].to_pylist())
    return keys


def n_gets(lake: Lake) -> int:
    assert isinstance(lake.store, S3Store)
    lake.store.requests.clear()
    keys_by_day(lake)
    return lake.store.requests["get_object"]


def test_the_second_reading_is_one_request_and_says_the_same(lake: Lake) -> None:
    expected = {day: list(range(n % 3)) for n, day in enumerate(DAYS[:-2])}
    assert keys_by_day(lake) == expected
    assert n_gets(lake) == 1
    assert keys_by_day(lake) == expected


def test_new_and_changed_days_are_read_themselves(lake: Lake) -> None:
    keys_by_day(lake)
    lake.write_day("core_failures", DAYS[2], failures(77))
    lake.write_day("core_failures", DAYS[-2], failures(88))
    found = keys_by_day(lake)
    assert found[DAYS[2]] == [77]
    assert found[DAYS[-2]] == [88]
    assert n_gets(lake) == 3
    lake.write_day("core_failures", DAYS[-1], failures())
    # Three are too many: the roll-up was written anew.
    assert n_gets(lake) == 4
    assert n_gets(lake) == 1
    assert keys_by_day(lake) == {**found, DAYS[-1]: []}


def test_what_tickets_say_of_a_day_is_a_part_of_its_own(lake: Lake) -> None:
    keys_by_day(lake)
    lake.write_day("core_failures", DAYS[1], failures(55), part="outcomes-2026-01-09")
    expected = {day: list(range(n % 3)) for n, day in enumerate(DAYS[:-2])} | {DAYS[1]: [0, 55]}
    assert keys_by_day(lake) == expected
    assert n_gets(lake) == 2
    lake.delete_day("core_failures", DAYS[1], part="outcomes-2026-01-09")
    assert keys_by_day(lake)[DAYS[1]] == [0]


def test_a_deleted_day_is_gone(lake: Lake) -> None:
    keys_by_day(lake)
    lake.delete_day("core_failures", DAYS[3])
    assert DAYS[3] not in keys_by_day(lake)


@pytest.mark.parametrize("damaged", [b"", b"PAR1 not really", b"{}"])
def test_a_damaged_roll_up_is_replaced(lake: Lake, damaged: bytes) -> None:
    expected = keys_by_day(lake)
    lake.store.write(ROLL_UP_KEY, damaged)
    assert keys_by_day(lake) == expected
    assert n_gets(lake) == 1


def test_a_reader_that_may_not_write_gets_the_same_answer(lake: Lake, seaweed: SeaweedServer) -> None:
    reader = Lake(S3Store.open(lake.store.root, seaweed.settings(READ_ONLY)))
    assert keys_by_day(reader) == keys_by_day(lake)

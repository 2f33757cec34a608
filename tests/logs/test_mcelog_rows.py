"""Tables of decoded memory errors keep row, bank and column."""

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pyarrow.feather as pa_feather
import pytest

from pipelines.errors import MissingInputError
from pipelines.sources import mcelog_rows
from tests.logs.event_rows import DAY, left_out_of, rows_of

SECOND = int(dt.datetime(2026, 2, 1, 12, 0, 5, tzinfo=dt.UTC).timestamp())
OPTIONS = mcelog_rows.Options(path="dimms")


def table_of(**columns: list[object]) -> pa.Table:
    whole: dict[str, list[object]] = {
        "LogTime": [SECOND],
        "CpuId": [1],
        "ChannelId": [2],
        "DimmId": [0],
        "RankId": [1],
        "BankgroupId": [2],
        "BankId": [3],
        "RowId": [70944],
        "ColumnId": [632],
        "error_type_full_name": ["CE.READ"],
    }
    whole.update(columns)
    n_rows = max(len(values) for values in whole.values())
    return pa.table({name: values * n_rows if len(values) == 1 else values for name, values in whole.items()})


def write_table(root: Path, name: str, table: pa.Table) -> None:
    (root / "dimms").mkdir(exist_ok=True)
    pa_feather.write_feather(table, str(root / "dimms" / name))


def test_an_error_keeps_its_place(tmp_path: Path) -> None:
    write_table(tmp_path, "sn_8.feather", table_of())
    (row,) = rows_of(mcelog_rows.read_day(OPTIONS, DAY, tmp_path))
    assert (row["host_id"], row["component_hint"], row["component_kind"]) == ("unknown:sn_8", "sn_8", "dimm")
    place = [row[name] for name in ("socket", "channel", "dimm", "rank", "bank", "row", "column")]
    assert place == [1, 2, 0, 1, 11, 70944, 632]


def test_csv_gives_the_same_as_feather(tmp_path: Path) -> None:
    write_table(tmp_path, "sn_8.feather", table_of())
    feather = rows_of(mcelog_rows.read_day(OPTIONS, DAY, tmp_path))
    (tmp_path / "dimms" / "sn_8.feather").unlink()
    (tmp_path / "dimms" / "sn_8.csv").write_text(
        "LogTime,CpuId,ChannelId,DimmId,RankId,BankgroupId,BankId,RowId,ColumnId,error_type_full_name\n"
        f"{SECOND},1,2,0,1,2,3,70944,632,CE.READ\n"
    )
    assert rows_of(mcelog_rows.read_day(OPTIONS, DAY, tmp_path)) == feather


def test_a_day_holds_its_own_errors_only(tmp_path: Path) -> None:
    write_table(
        tmp_path, "sn_8.feather", table_of(LogTime=[SECOND - 86_400, SECOND, SECOND + 1, SECOND + 86_400])
    )
    rows = rows_of(mcelog_rows.read_day(OPTIONS, DAY, tmp_path))
    assert [row["n_events"] for row in rows] == [2]
    assert mcelog_rows.list_days(OPTIONS, tmp_path) == [DAY + dt.timedelta(days=d) for d in (-1, 0, 1)]


def test_places_that_can_not_be_are_not_known(tmp_path: Path) -> None:
    write_table(tmp_path, "sn_8.feather", table_of(RowId=[-1], ColumnId=[2**40], BankId=[None]))
    (row,) = rows_of(mcelog_rows.read_day(OPTIONS, DAY, tmp_path))
    assert (row["row"], row["column"], row["bank"]) == (None, None, None)


def test_rows_without_a_time_are_counted(tmp_path: Path) -> None:
    write_table(tmp_path, "sn_8.feather", table_of(LogTime=[None, SECOND, 5, 2**60]))
    raw = list(mcelog_rows.read_day(OPTIONS, DAY, tmp_path))
    assert len(rows_of(raw)) == 1
    assert left_out_of(raw)["a row without a time"].count == 3


@pytest.mark.parametrize(
    "data", [b"", b"ARROW1\0\0", b"<html>", b"a,b\n1,2\n", b"LogTime,RowId,BankId,ColumnId\nx,y,z,0\n"]
)
@pytest.mark.parametrize("name", ["sn_9.feather", "sn_9.csv"])
def test_a_file_that_is_no_table_costs_only_itself(name: str, data: bytes, tmp_path: Path) -> None:
    write_table(tmp_path, "sn_8.feather", table_of())
    (tmp_path / "dimms" / name).write_bytes(data)
    raw = list(mcelog_rows.read_day(OPTIONS, DAY, tmp_path))
    assert [row["component_hint"] for row in rows_of(raw)] == ["sn_8"]
    assert left_out_of(raw)["no table of memory errors"].example.startswith(name)


def test_a_folder_without_tables_is_missing(tmp_path: Path) -> None:
    (tmp_path / "dimms").mkdir()
    with pytest.raises(MissingInputError):
        list(mcelog_rows.read_day(OPTIONS, DAY, tmp_path))

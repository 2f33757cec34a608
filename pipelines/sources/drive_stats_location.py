"""Read from the location columns of Drive Stats (published since 2023) which host each drive is in.

In Backblaze's words a pod is a server with up to 60 drive slots, and 20 pods are a vault: each file
is spread over the 20 pods of one vault and survives the loss of three. So a host is a pod, and a
vault is what must not lose many hosts at once. Racks are not published; the vault stands for it.
"""

import datetime as dt
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.sources.raw_columns import KNOWN_AT, complete_columns, end_of_day, repeat
from pipelines.sources.source import LeftOut

_HOST_PARTS = (("cluster_id", "c"), ("vault_id", "v"), ("pod_id", "p"))


@dataclass(frozen=True, kw_only=True)
class LocatedDrives:
    """``table``: raw_inventory, one row per drive whose host is known."""

    table: pa.Table
    left_out: tuple[LeftOut, ...]


def locate_drives(rows: pa.Table, day: dt.date) -> LocatedDrives | None:
    """Return the inventory of one day's rows, or None where the files have no location columns.

    host_id is like ``phx1-c0-v1064-p35`` (site, cluster, vault, pod), rack is ``c0-v1064``, the
    redundancy group ``phx1-c0-v1064``. A drive with an empty part of its address gets no row.
    """
    if not {"datacenter", *(column for column, _ in _HOST_PARTS)} <= set(rows.column_names):
        return None
    cluster, vault, pod = (
        pc.binary_join_element_wise(letter, rows[column].cast(pa.string()), "")
        for column, letter in _HOST_PARTS
    )
    rack = pc.binary_join_element_wise(cluster, vault, "-")
    group = pc.binary_join_element_wise(rows["datacenter"], rack, "-")
    slot = (
        rows["pod_slot_num"].cast(pa.string())
        if "pod_slot_num" in rows.column_names
        else pa.nulls(rows.num_rows, pa.string())
    )
    table = complete_columns(
        "raw_inventory",
        {
            "component_id": rows["serial_number"],
            "component_kind": repeat("drive", pa.string(), rows.num_rows),
            "host_id": pc.binary_join_element_wise(group, pod, "-"),
            "slot": slot,
            "rack": rack,
            "site": rows["datacenter"],
            "model": rows["model"],
            "redundancy_group": group,
            "source": repeat("drive_stats", pa.string(), rows.num_rows),
            "known_at": repeat(end_of_day(day), KNOWN_AT, rows.num_rows),
        },
        rows.num_rows,
    )
    is_located = pc.is_valid(table["host_id"])
    n_lost = table.num_rows - pc.sum(is_located, min_count=0).as_py()
    if not n_lost:
        return LocatedDrives(table=table, left_out=())
    example = table["component_id"].filter(pc.invert(is_located))[0].as_py()
    return LocatedDrives(
        table=table.filter(is_located),
        left_out=(LeftOut(reason="no complete location, host unknown", count=n_lost, example=str(example)),),
    )

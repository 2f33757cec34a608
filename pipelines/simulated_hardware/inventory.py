"""A day's inventory export of the simulated fleet: each host and each part, where it is, its model and firmware."""

import csv
import datetime as dt
import io
from collections.abc import Iterator

import numpy as np

from pipelines.fleet_simulation import Fleet
from pipelines.simulated_hardware.hosts import PODS_PER_VAULT, place_of
from pipelines.simulated_hardware.parts import Parts, simulate_hardware
from pipelines.simulated_models import MODELS

_COLUMNS = (
    *("component_id", "component_kind", "host_id", "slot", "rack", "site", "role", "redundancy_group"),
    *("model", "firmware", "in_service_since"),
)
_FIRMWARE_UPDATE_DAYS = (60, 7)  # the first vault's day, and how much later each next one has it
Row = tuple[str, ...]


def render_inventory(fleet: Fleet, number: int, day: dt.date) -> bytes:
    """Return the export of the evening of ``day``. A part's rack and site are its host's."""
    hardware = simulate_hardware(fleet.plan)
    first_day = day - dt.timedelta(days=number)
    gpu_hosts = frozenset(hardware.gpus.host.tolist())
    sink = io.StringIO(newline="")
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows(_hosts(hardware.boards, gpu_hosts, number))
    writer.writerows(_drives(fleet, number, first_day))
    for parts in (hardware.dimms, hardware.gpus):
        writer.writerows(_parts(parts, number, first_day))
    return sink.getvalue().encode()


def _hosts(boards: Parts, gpu_hosts: frozenset[int], number: int) -> Iterator[Row]:
    board_of_host = {int(boards.host[board]): board for board in boards.in_service(number).tolist()}
    for host, board in sorted(board_of_host.items()):
        place, model = place_of(host), boards.models[int(boards.model[board])]
        update, step = _FIRMWARE_UPDATE_DAYS
        is_updated = number >= update + step * (host // PODS_PER_VAULT)
        yield (
            *(place.host_id, "host", place.host_id, "", place.rack, place.site),
            *("training" if host in gpu_hosts else "storage", place.redundancy_group),
            *(model.name, f"{model.firmware}{'a' if is_updated else ''}", ""),
        )


def _drives(fleet: Fleet, number: int, first_day: dt.date) -> Iterator[Row]:
    drives = np.flatnonzero((fleet.first_day <= number) & (number <= fleet.last_day))
    hosts, bays = np.divmod(fleet.slot[drives], fleet.plan.drives_per_host)
    for drive, serial, host, bay in zip(
        drives.tolist(), fleet.serial_numbers(drives), hosts.tolist(), bays.tolist(), strict=True
    ):
        model = MODELS[int(fleet.model[drive])]
        since = first_day + dt.timedelta(days=int(fleet.installed_day[drive]))
        yield (
            *(serial, "drive", place_of(host).host_id, str(bay), "", "", "", ""),
            *(model.name, model.firmware, since.isoformat()),
        )


def _parts(parts: Parts, number: int, first_day: dt.date) -> Iterator[Row]:
    for part in parts.in_service(number).tolist():
        model = parts.models[int(parts.model[part])]
        # Parts from before the first day have come with their host; nobody noted when.
        installed = int(parts.first_day[part])
        since = (first_day + dt.timedelta(days=installed)).isoformat() if installed >= 0 else ""
        yield (
            *(parts.component_id(part), parts.kind, place_of(int(parts.host[part])).host_id),
            *(parts.slots[int(parts.position[part])], "", "", "", ""),
            *(model.name, model.firmware, since),
        )

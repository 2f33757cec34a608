"""Sources of a few hosts, written by hand: kernel logs, an inventory, the settings that name them."""

import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path

from pipelines.settings import Settings

LOGS = {"name": "logs", "kind": "kernel_log", "path": "logs"}
LOGS_NEVER_LATE = {**LOGS, "late_days": 0}
CMDB = {"name": "cmdb", "kind": "inventory_file", "path": "inventory.csv"}
CE = "EDAC MC0: 3 CE memory read error on DIMM_A1 (channel:0 slot:0 page:0x1 offset:0x0 grain:32)"


def settings_of(folder: Path, *sources: Mapping[str, object], **others: object) -> Settings:
    """Return settings with these sources, whose paths are in ``folder``."""
    return Settings.model_validate({"sources": sources, "base_folder": folder, **others})


def write_inventory(folder: Path, rows: list[str]) -> None:
    """Write ``inventory.csv`` of rows of component_id, component_kind, host_id, slot and model."""
    header = "component_id,component_kind,host_id,slot,model"
    (folder / "inventory.csv").write_text("".join(f"{row}\n" for row in (header, *rows)), "utf-8")


def write_journal(
    folder: Path, day: dt.date, host: str, *messages: str, delivered: dt.date | None = None
) -> None:
    """Write a journal of ``host`` with what its kernel said at noon of ``day``, in the folder of ``delivered``."""
    noon = int(dt.datetime.combine(day, dt.time(12), dt.UTC).timestamp() * 1e6)
    entries = [
        {"_TRANSPORT": "kernel", "__REALTIME_TIMESTAMP": str(noon), "PRIORITY": "4", "MESSAGE": text}
        for text in messages
    ]
    lines = "".join(json.dumps(entry) + "\n" for entry in entries)
    _write(folder / (delivered or day).isoformat() / f"{host}.json", lines)


def write_syslog(folder: Path, day: dt.date, host: str, *messages: str) -> None:
    """Write a log of ``host`` as text, with what its kernel said early on ``day``."""
    lines = "".join(f"{day}T04:05:06Z {host} kernel: {text}\n" for text in messages)
    _write(folder / day.isoformat() / f"{host}.log", lines)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")

"""The tiny fleet of ``fleet.py`` with memory modules and host days beside its drives, and the logs they came from."""

import datetime as dt
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from data_contracts.arrow_schema import schema_of
from data_contracts.loader import load_contract
from features.population import count_population
from features.shards import component_keys
from features.target import Target, load_target
from pipelines.lake import Lake
from pipelines.populations import population_part
from pipelines.settings import Settings, SourceSettings

from .fleet import DAY, N_DAYS, settings

HOSTS = tuple(f"host-{number}" for number in range(4))
DIMMS = tuple(f"{host}/DIMM_A{slot}" for host in HOSTS for slot in (1, 2))
# Errs since a week; its host's own day tells of it as well.
ERRING = DIMMS[2]
ERRING_HOST = HOSTS[1]
TARGETS = ("drive_fails_30d", "dimm_fails_30d", "gpu_fails_30d", "host_fails_30d")
# Two sources of logs, each reads two hosts.
SOURCES = {"logs-a": HOSTS[:2], "logs-b": HOSTS[2:]}


def several_kinds_settings() -> Settings:
    sources = [SourceSettings.model_validate({"name": name, "kind": "kernel_log"}) for name in SOURCES]
    return settings(targets=TARGETS, sources=tuple(sources))


def write_kind_day(
    lake: Lake,
    target: Target,
    day: dt.date,
    hosts: Mapping[str, str],
    levels: Mapping[str, Mapping[str, float]],
) -> None:
    """Write a kind's day and population: ``hosts`` by component, ``levels`` by signal and component, else 0."""
    ids = sorted(hosts, key=lambda name: component_keys([name])[0])
    schema = schema_of(load_contract(target.dataset))
    known: dict[str, Sequence[object]] = {
        "component_key": component_keys(ids).tolist(),
        "component_id": ids,
        "model": ["unknown"] * len(ids),
        "host_id": [hosts[name] for name in ids],
        "known_at": [dt.datetime.combine(day, dt.time(23), dt.UTC)] * len(ids),
    }
    signals = [field.name for field in schema if field.name not in (*known, "capacity_bytes")]
    known |= {signal: [levels.get(signal, {}).get(name, 0) for name in ids] for signal in signals}
    columns = [pa.array(known.get(field.name, [None] * len(ids)), field.type) for field in schema]
    table = pa.table(columns, schema=schema)
    assert np.all(np.diff(table["component_key"].to_numpy()) > 0)
    lake.write_day(target.dataset, day, table)
    counts = count_population(table, signals, target.component_kind)
    lake.write_day("core_model_population", day, counts, part=population_part(target.component_kind))


def write_other_kinds(lake: Lake, day: dt.date, *, hosts: Sequence[str] = HOSTS) -> None:
    """Write dimm and host days as the hosts' logs make them, those logs, and the sources' records."""
    days_ago = (DAY - day).days
    errors = 40.0 if days_ago < 7 else 0.0
    dimms = {name: host for name in DIMMS if (host := name.partition("/")[0]) in hosts}
    if dimms:
        erring = {"corrected_errors": {ERRING: errors}}
        write_kind_day(lake, load_target("dimm_fails_30d"), day, dimms, erring)
        own = {"memory_corrected_events": {ERRING_HOST: errors}}
        write_kind_day(lake, load_target("host_fails_30d"), day, {host: host for host in hosts}, own)
    for source, read in SOURCES.items():
        if set(read) <= set(hosts):
            write_source_day(lake, day, source, read)


def write_source_day(lake: Lake, day: dt.date, source: str, hosts: Sequence[str]) -> None:
    schema = schema_of(load_contract("raw_hw_events"))
    rows = [
        {
            "event_id": f"{host}-{day}",
            "host_id": host,
            "component_kind": "dimm",
            "component_hint": "DIMM_A1",
            "event_class": "memory_corrected_error",
            "signature": "memory_1",
            "template_id": 7,
            "template": "EDAC #",
            "message": f"EDAC MC0: 40 CE memory read error on DIMM_A1 of {host}",
            "severity": "warning",
            "n_events": 40,
            "happened_at": dt.datetime.combine(day, dt.time(4), dt.UTC),
            "source": source,
            "known_at": dt.datetime.combine(day, dt.time(23), dt.UTC),
        }
        for host in hosts
    ]
    columns = [pa.array([row.get(field.name) for row in rows], field.type) for field in schema]
    lake.write_day("raw_hw_events", day, pa.table(columns, schema=schema), part=source)
    lake.write_json(f"ingested/day={day}/part-{source}.json", {"source": source})


def add_other_kinds(lake: Lake) -> None:
    """Write the other kinds' days of the fleet's six weeks."""
    for days_ago in range(N_DAYS):
        write_other_kinds(lake, DAY - dt.timedelta(days=days_ago))


def take_away(lake: Lake, day: dt.date, source: str) -> None:
    """Make ``source`` one that delivered nothing of ``day``: its parts, and the components that only it fed."""
    left = tuple(host for host in HOSTS if host not in SOURCES[source])
    for part in SOURCES:
        lake.delete_day("raw_hw_events", day, part=part)
        lake.store.delete(f"ingested/day={day}/part-{part}.json")
    write_other_kinds(lake, day, hosts=left)


def remove_day(lake: Lake, day: dt.date) -> None:
    """Make all log sources ones that delivered nothing of ``day``."""
    for part in SOURCES:
        lake.delete_day("raw_hw_events", day, part=part)
        lake.store.delete(f"ingested/day={day}/part-{part}.json")
    for dataset in ("core_dimm_days", "core_host_days"):
        lake.delete_day(dataset, day)

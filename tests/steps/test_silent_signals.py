"""Which zeros nobody states while a source is silent: those that it alone would have contradicted."""

import datetime as dt

import pyarrow as pa
import pytest

from features.component_kinds import load_component_kind
from features.unheard import UnheardSignals
from pipelines.lake import Lake
from pipelines.settings import Settings, SourceSettings
from pipelines.silent_signals import find_unheard_signals
from pipelines.source_outages import SourceOutage

DAY = dt.date(2026, 3, 31)
DATASET = "raw_hw_events"
SETTINGS = Settings(
    sources=tuple(
        SourceSettings.model_validate({"name": name, "kind": "kernel_log", "path": "logs"})
        for name in ("kernel", "board")
    )
)
DOWN = SourceOutage(source="board", kind="ipmi_sel", datasets=(DATASET,), last_day=DAY - dt.timedelta(days=1))


def deliver(lake: Lake, source: str, back: int, *rows: tuple[str, str | None, str]) -> None:
    """Write rows of host, kind of component and class."""
    at = DAY - dt.timedelta(days=back)
    events = pa.table(
        {
            "host_id": pa.array([host for host, _, _ in rows], pa.string()),
            "component_kind": pa.array([kind for _, kind, _ in rows], pa.string()),
            "event_class": pa.array([said for _, _, said in rows], pa.string()),
            "known_at": pa.array(
                [dt.datetime.combine(at, dt.time(12), dt.UTC)] * len(rows), pa.timestamp("us", tz="UTC")
            ),
        }
    )
    lake.write_day(DATASET, at, events, part=source)


def find(lake: Lake, kind: str = "dimm", outages: tuple[SourceOutage, ...] = (DOWN,)) -> UnheardSignals:
    return find_unheard_signals(load_component_kind(kind), DAY, [DATASET], outages, SETTINGS, lake)


def hosts_of(unheard: UnheardSignals) -> dict[str, list[str]]:
    return {signal: sorted(hosts.to_pylist()) for signal, hosts in unheard.hosts.items()}


def test_what_nobody_else_ever_said_is_unheard_on_every_host_that_the_silent_source_spoke_of(
    lake: Lake,
) -> None:
    deliver(lake, "kernel", 1, ("web-1", None, "unknown"), ("web-3", "dimm", "memory_page_retired"))
    deliver(lake, "board", 7, ("web-1", "dimm", "memory_disabled"), ("web-2", "fan", "fan_failure"))
    unheard = find(lake)
    assert hosts_of(unheard) == {"disabled_events": ["web-1", "web-2"]}
    assert unheard.spoken_of == {"disabled_events", "retired_pages"}
    assert hosts_of(find(lake, "host")) == {"fan_events": ["web-1", "web-2"]}


def test_where_another_source_says_it_too_only_hosts_that_it_never_said_it_of_are_unheard(lake: Lake) -> None:
    said = ("dimm", "memory_disabled")
    deliver(lake, "kernel", 3, ("web-1", *said))
    deliver(lake, "board", 2, ("web-1", *said), ("web-2", *said), ("web-4", "fan", "fan_failure"))
    assert hosts_of(find(lake)) == {"disabled_events": ["web-2"]}


@pytest.mark.parametrize("back", [0, 8])
def test_only_the_week_before_the_day_counts(lake: Lake, back: int) -> None:
    deliver(lake, "board", back, ("web-1", "dimm", "memory_disabled"))
    assert hosts_of(find(lake)) == {}


def test_while_every_source_delivers_nothing_is_unheard(lake: Lake) -> None:
    deliver(lake, "board", 1, ("web-1", "dimm", "memory_disabled"))
    assert hosts_of(find(lake, outages=())) == {}

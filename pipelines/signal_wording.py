"""How the signals of each component kind are called for people: from the kind's own declaration."""

from features.component_kinds import find_component_kind
from features.evidence import SignalWording
from features.signals import load_signals

# Features of the component as a whole are made of no single signal.
_WHOLE_COMPONENT = (
    SignalWording(signal="signals_changed", label="Error counters that changed lately", unit="counters"),
    SignalWording(signal="signals_nonzero", label="Error counters above zero", unit="counters"),
    SignalWording(signal="signals_missing", label="Signals that it does not report", unit="signals"),
    SignalWording(signal="days_reported", label="Days on which it reported", unit="days"),
    SignalWording(signal="capacity_bytes", label="Capacity", unit="bytes"),
)
# Abbreviations that read badly in lower case.
_WRITTEN = {
    **{word: word.upper() for word in ("cpu", "crc", "dbe", "dimm", "ecc", "edac", "gpu", "nic", "sbe")},
    "nvlink": "NVLink",
    "pcie": "PCIe",
    "psu": "PSU",
    "xid": "Xid",
    "xids": "Xids",
}

# Columns of raw_ rows that hold what happened during the day, not how things stood.
_OF_A_DAY = ("n_events", "increase")


def word_signals(component_kind: str, *, n_days: int) -> tuple[SignalWording, ...]:
    """Return label and unit of each signal of a kind, then of what features say of the whole component.

    Signals of ``list_amounts`` are shown as totals of ``n_days`` days, those of ``list_moments`` as the days
    since, and say so.
    """
    declared = find_component_kind(component_kind)
    if declared is None:
        drives = (
            SignalWording(signal=each.name, label=name_signal(each.name), unit=each.unit)
            for each in load_signals()
        )
        return (*drives, *_WHOLE_COMPONENT)
    amounts = list_amounts(component_kind)
    worded = (
        SignalWording(
            signal=each.name,
            label=(each.shown_as or name_signal(each.name))
            + (f" in {n_days} days" if each.name in amounts else ""),
            unit="days" if each.is_moment else each.unit,
        )
        for each in declared.signals
    )
    return (*worded, *_WHOLE_COMPONENT)


def list_amounts(component_kind: str) -> frozenset[str]:
    """Return the signals of a kind that are an amount of the day, which only adding up makes a level.

    These are gauges that the kind's declaration sums up over what was logged, or counted, that day.
    """
    declared = find_component_kind(component_kind)
    return frozenset(
        each.name
        for each in (() if declared is None else declared.signals)
        if each.kind == "gauge" and each.source.across == "sum" and each.source.column in _OF_A_DAY
    )


def list_moments(component_kind: str) -> frozenset[str]:
    """Return the signals of a kind that are Unix times: a person wants to know how long ago that was."""
    declared = find_component_kind(component_kind)
    return frozenset(each.name for each in (() if declared is None else declared.signals) if each.is_moment)


def name_signal(signal: str) -> str:
    """Return a signal's name for people, without the unit at its end: "Temperature", "Interface CRC errors"."""
    words = signal.removesuffix("_celsius").removesuffix("_pct").split("_")
    written = [_WRITTEN.get(word, word) for word in words]
    first = written[0]
    return " ".join([first[:1].upper() + first[1:], *written[1:]])

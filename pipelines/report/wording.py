"""Decide how numbers and times read on the page."""

import datetime as dt


def format_risk(risk: float) -> str:
    """Return a risk as people read it: 38 %, 4.2 %, 0.01 %."""
    percent = risk * 100.0
    if percent >= 9.95:
        return f"{percent:.0f} %"
    return f"{percent:.1f} %" if percent >= 0.995 else f"{percent:.2g} %"


def format_level(value: float | None, *, is_percent: bool = False) -> str:
    """Return a signal's level as people read it, a dash where it is not known."""
    if value is None:
        return "–"
    if is_percent:
        return format_risk(value)
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def format_moment(moment: dt.datetime) -> str:
    """Return a UTC time to the minute: 2026-02-01 04:05."""
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M")


def capitalize_first(text: str) -> str:
    """Return ``text`` as the start of a sentence; the rest stays as it is."""
    return text[:1].upper() + text[1:]

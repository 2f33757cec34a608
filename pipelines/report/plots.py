"""Draw what a component reported as inline SVG: small, and the same bytes for the same values.

Drawn by hand rather than by a plotting library: a page of 20 hosts has some hundred small plots, and
one is a polyline and four words. Colours and fonts come from the page's style sheet, so the plots
follow its light and dark scheme.
"""

import datetime as dt
from collections.abc import Callable, Sequence

from markupsafe import Markup, escape

from pipelines.report.content import Series
from pipelines.report.wording import format_level

WIDTH, HEIGHT = 260, 116
_LEFT, _RIGHT, _TOP, _BOTTOM = 4, 6, 32, 16
Place = Callable[[int, float], tuple[float, float]]

_MARKED_DAYS_AGO = (7, 30)


def draw_series(series: Series, *, is_percent: bool = False) -> Markup:
    """Return a line of one series: steps between reports, breaks where a day was not reported.

    The line is scaled from the least to the greatest value shown; both are written, as is the last
    value. Faint vertical lines stand 7 and 30 days before the as-of day, as in the evidence table.
    """
    known = [value for value in series.values if value is not None]
    name = escape(series.label)
    if not known:
        return Markup('<p class="none">{}: never reported in this time.</p>').format(series.label)
    low, high = min(known), max(known)

    first, span_days = series.days[0], max((series.days[-1] - series.days[0]).days, 1)

    def across(day: dt.date) -> float:
        return _LEFT + (day - first).days / span_days * (WIDTH - _LEFT - _RIGHT)

    def at(index: int, value: float) -> tuple[float, float]:
        share = (value - low) / (high - low) if high > low else 0.5
        return across(series.days[index]), HEIGHT - _BOTTOM - 5 - share * (HEIGHT - _TOP - _BOTTOM - 12)

    marks = "".join(
        f'<path class="mark" d="M{across(marked):.1f} {_TOP}V{HEIGHT - _BOTTOM}"/>'
        for marked in (series.days[-1] - dt.timedelta(days=days) for days in _MARKED_DAYS_AGO)
        if marked >= first
    )
    last = max(index for index, value in enumerate(series.values) if value is not None)
    dot_x, dot_y = at(last, known[-1])
    span = format_level(known[-1], is_percent=is_percent)
    if high > low:
        low_text = format_level(low, is_percent=is_percent)
        span = f"{low_text} to {format_level(high, is_percent=is_percent)}, now {span}"
    unit = f" {series.unit}" if series.unit and not is_percent else ""
    title = escape(f"{series.label}, {series.days[0]} to {series.days[-1]}: {span}{unit}")
    return Markup(  # noqa: S704 — every text is escaped above or is a number
        f'<svg class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title}">'
        f"<title>{title}</title>"
        f'<text class="name" x="{_LEFT}" y="11">{name}</text>'
        f'<path class="axis" d="M{_LEFT} {HEIGHT - _BOTTOM}H{WIDTH - _RIGHT}"/>'
        f'{marks}<path class="line" d="{_step_path(series.values, at)}"/>'
        f'<circle class="dot" cx="{dot_x:.1f}" cy="{dot_y:.1f}" r="3"/>'
        f'<text x="{_LEFT}" y="{HEIGHT - 4}">{series.days[0]}</text>'
        f'<text x="{WIDTH - _RIGHT}" y="{HEIGHT - 4}" text-anchor="end">{series.days[-1]}</text>'
        f'<text class="value" x="{_LEFT}" y="25">{escape(span)}{escape(unit)}</text></svg>'
    )


def _step_path(values: Sequence[float | None], at: Place) -> str:
    """Return SVG path data: level until the next report, nothing where a day was not reported."""
    parts: list[str] = []
    previous: float | None = None
    for index, value in enumerate(values):
        if value is None:
            if previous is not None:
                parts.append(f"H{at(index - 1, previous)[0]:.1f}")
            previous = None
            continue
        x, y = at(index, value)
        if previous is None:
            # A stroke of no length with round ends shows a lone report as a dot.
            parts.append(f"M{x:.1f} {y:.1f}h0")
        elif value != previous:
            parts.append(f"H{x:.1f}V{y:.1f}")
        previous = value
    if previous is not None:
        parts.append(f"H{at(len(values) - 1, previous)[0]:.1f}")
    return "".join(parts)

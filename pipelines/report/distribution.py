"""Draw how the risks of the day are distributed, as inline SVG."""

import math
from collections.abc import Sequence

from markupsafe import Markup

from pipelines.report.wording import format_risk

# Thirds of a decade: fine enough to see the bulk, coarse enough that a bar means something.
_BINS_PER_DECADE = 3
_LOWEST_DECADE = -5


def draw_risk_distribution(risks: Sequence[float], minimum_risk: float, n_listed: int) -> Markup:
    """Return a histogram of all risks on a logarithmic axis, with the least risk that may be listed.

    Bars are as high as the logarithm of their count, so that a single component at high risk is
    seen beside a hundred thousand at low risk; the counts stand above the bars.
    """
    width, height, left, base = 720, 200, 10, 170
    n_bins = -_LOWEST_DECADE * _BINS_PER_DECADE
    counts = [0] * n_bins
    for risk in risks:
        counts[risk_bin(risk)] += 1
    step = (width - 2 * left) / n_bins
    tallest = max((math.log1p(count) for count in counts), default=0.0) or 1.0
    bars = []
    for number, count in enumerate(counts):
        if not count:
            continue
        x, tall = left + number * step, (base - 46) * math.log1p(count) / tallest
        box = f'x="{x + 1:.1f}" y="{base - tall:.1f}" width="{step - 2:.1f}" height="{tall:.1f}"'
        bars.append(
            f'<rect class="bar" {box}/>'
            f'<text x="{x + step / 2:.1f}" y="{base - tall - 4:.1f}" text-anchor="middle">{count:,}</text>'
        )
    ticks = "".join(
        f'<text x="{left + (decade - _LOWEST_DECADE) * _BINS_PER_DECADE * step:.1f}" y="{base + 14}" '
        f'text-anchor="{_anchor(decade)}">{format_risk(10.0**decade)}</text>'
        for decade in range(_LOWEST_DECADE, 1)
    )
    edge = (
        left
        + (math.log10(max(minimum_risk, 10.0**_LOWEST_DECADE)) - _LOWEST_DECADE) * _BINS_PER_DECADE * step
    )
    side = "start" if edge < width / 2 else "end"
    limit = format_risk(minimum_risk)
    says = f"Risks of {len(risks):,} components; {n_listed:,} are listed, none below {limit}."
    return Markup(  # noqa: S704 — numbers and our own words only
        f'<svg class="plot wide" viewBox="0 0 {width} {height}" role="img" aria-label="{says}">'
        f"<title>{says}</title>"
        f'<line class="axis" x1="{left}" x2="{width - left}" y1="{base}" y2="{base}"/>{"".join(bars)}{ticks}'
        f'<line class="limit" x1="{edge:.1f}" x2="{edge:.1f}" y1="4" y2="{base}"/>'
        f'<text x="{edge + (5 if side == "start" else -5):.1f}" y="12" text-anchor="{side}">listed from {limit}</text>'
        f'<text x="{width / 2}" y="{height - 2}" text-anchor="middle">'
        "risk (each bar a third of a decade)</text></svg>"
    )


def risk_bin(risk: float) -> int:
    """Return the bin of a risk: thirds of a decade from 0.001 % to 100 %, the ends take what lies beyond."""
    if risk <= 10.0**_LOWEST_DECADE:
        return 0
    number = math.floor((math.log10(risk) - _LOWEST_DECADE) * _BINS_PER_DECADE)
    return min(number, -_LOWEST_DECADE * _BINS_PER_DECADE - 1)


def _anchor(decade: int) -> str:
    return {_LOWEST_DECADE: "start", 0: "end"}.get(decade, "middle")

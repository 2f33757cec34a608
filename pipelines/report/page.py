"""Make the report page: one HTML file that needs nothing else, for laptop, phone, print, light and dark."""

from pipelines.realised_rates import RateScope, RealisedRate
from pipelines.report.content import Report
from pipelines.report.distribution import draw_risk_distribution
from pipelines.report.page_template import load_template

# A row of the list takes 700 bytes, an entry 3 kB, its plots 6 kB, its log lines 3 kB: the page stays
# below 2 MB up to a list of a thousand.
MAX_ENTRIES_WITH_PLOTS = 60
MAX_ENTRIES_DETAILED = 200
MAX_OTHERS_NAMED = 5
MAX_ABSTENTIONS_SHOWN = 200
MAX_RATES_SHOWN = 30

GLOSSARY = (
    (
        "component",
        "A replaceable part that can fail on its own: a drive, a DIMM, a fan, or the host as a whole.",
    ),
    ("day", "The UTC date that the list is about. Only what was known by its end was used."),
    (
        "risk",
        "The calibrated probability of a failure within the horizon: of 100 at 30 %, about 30 fail.",
    ),
    (
        "host risk",
        "The probability that any scored part of the host, or the host itself, fails, taking them as independent.",
    ),
    ("rank", "1 = most at risk. Equal risks are ordered by component id."),
    ("horizon", "How far ahead the prediction speaks, in days."),
    (
        "lead time",
        "What is needed between the list and the repair; failures sooner than that are nobody's hit.",
    ),
    ("due", "The last day to act: when a quarter of the time that the risk is about has passed."),
    (
        "weight",
        "How much a signal adds to the risk, in log-odds, all its features together: +0.7 doubles the odds.",
    ),
    (
        "percentile",
        "Where the level stands among components of the same hardware model on that day; 50 = the middle.",
    ),
    ("not scored", "Too little or too old data to say anything. It does not mean healthy."),
    ("budget", "New tickets that a team can take, per 10,000 components and 30 days."),
    ("precision", "Of the components that were flagged, the share that failed within the horizon."),
    ("recall", "Of the components that failed, the share that had been flagged in time."),
    ("the rule", "The simple rule that the model must beat; judged on the same days and budget."),
    (
        "declared risk",
        "What a rule claims where no model could be learned: a round figure of past fleets, not calibrated on yours.",
    ),
    ("source down", "The source that feeds the component delivered nothing of the day."),
)


def render_report(report: Report) -> bytes:
    """Return the page as UTF-8 HTML; the same report gives the same bytes.

    Every value is escaped: names of hosts, models and slots come from machines that we don't trust.
    """
    page = load_template("report.html.j2").render(
        report=report,
        glossary=GLOSSARY,
        max_plotted=MAX_ENTRIES_WITH_PLOTS,
        max_detailed=MAX_ENTRIES_DETAILED,
        max_others=MAX_OTHERS_NAMED,
        abstentions=report.abstentions[:MAX_ABSTENTIONS_SHOWN],
        rates=_list_rates(report),
        distribution=draw_risk_distribution(report.risks, report.minimum_risk, len(report.entries)),
    )
    return page.encode()


def _list_rates(report: Report) -> tuple[RealisedRate, ...]:
    """Return the rates to show: over all, then by model, site and playbook entry, the most tickets first."""
    by_scope = [rate for scope in RateScope for rate in report.realised.list_scope(scope)]
    return tuple(by_scope[:MAX_RATES_SHOWN])

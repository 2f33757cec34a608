"""What a backtest found, as one document for machines and one table for people."""

import datetime as dt
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from features.bootstrap import BudgetIntervals, Interval
from pipelines.model_card import CardScorer


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ReportInterval(_Section):
    """An estimate, and the interval that holds ``confidence`` of the bootstrap draws."""

    estimate: float
    low: float
    high: float
    standard_deviation: float
    confidence: float


class ReportBudget(_Section):
    """Precision and recall of one budget with their uncertainty, or the differences of two scorers."""

    budget: float
    precision: ReportInterval
    recall: ReportInterval


class ReportBin(_Section):
    """A tenth of the component-days by risk: what was promised, and what came."""

    n_component_days: int
    mean_risk: float
    observed_share: float


class ReportSlice(_Section):
    """One part of the fleet, within the budget at which models are compared."""

    kind: str
    name: str
    n_components: int
    n_tickets: int
    n_hits: int
    precision: float | None
    n_failures: int
    recall: float | None


class BacktestReport(_Section):
    """A backtest. ``scorers`` are the model and the baselines; the first is the model.

    ``silent_share``: failures that never showed an error in time; no list can catch these.
    """

    backtest_id: str
    target: str
    label_definition: str
    model_id: str
    model_knew_until: dt.date | None
    first_day: dt.date
    last_day: dt.date
    every_days: int
    n_scored_days: int
    known_until: dt.date
    last_judged_day: dt.date
    n_components: int
    n_component_days: int
    n_positives: int
    n_failures: int
    silent_share: float | None
    scorers: tuple[CardScorer, ...]
    intervals: tuple[ReportBudget, ...]
    against_rule: tuple[ReportBudget, ...]
    calibration: tuple[ReportBin, ...]
    slices: tuple[ReportSlice, ...]

    @property
    def summary(self) -> str:
        """Return the backtest in one line; precision and recall with the intervals of the middle budget."""
        said = ""
        if self.intervals:
            middle = self.intervals[len(self.intervals) // 2]
            said = "".join(
                f" {name}={one.estimate:.1%} [{one.low:.1%}, {one.high:.1%}]"
                for name, one in (("precision", middle.precision), ("recall", middle.recall))
            )
            said += f" at={middle.budget:g}_per_10k_30d"
        return (
            f"backtested {self.target} {self.first_day} to {self.last_day}: id={self.backtest_id} "
            f"model={self.model_id} days={self.n_scored_days} component_days={self.n_component_days} "
            f"failures={self.n_failures}{said}"
        )


def report_budget(intervals: BudgetIntervals) -> ReportBudget:
    """Return intervals as a report holds them."""
    return ReportBudget(
        budget=intervals.budget,
        precision=_report_interval(intervals.precision),
        recall=_report_interval(intervals.recall),
    )


def _report_interval(interval: Interval) -> ReportInterval:
    return ReportInterval(
        estimate=interval.estimate,
        low=interval.low,
        high=interval.high,
        standard_deviation=interval.standard_deviation,
        confidence=interval.confidence,
    )


def format_report(report: BacktestReport) -> str:
    """Return the report as Markdown tables that also read well on a terminal."""
    blocks = [_format_head(report), _format_scorers(report), _format_differences(report)]
    blocks += [_format_calibration(report), _format_slices(report)]
    return "\n\n".join(blocks) + "\n"


def _format_head(report: BacktestReport) -> str:
    knew = f", which knew nothing after {report.model_knew_until}" if report.model_knew_until else ""
    silent = "unknown" if report.silent_share is None else f"{report.silent_share:.1%}"
    return f"""# Backtest of {report.target}: {report.first_day} to {report.last_day}

Model {report.model_id}{knew}.
Scored every {report.every_days} day(s), {report.n_scored_days} days; judged up to {report.last_judged_day}, \
as known on {report.known_until}.
Label: {report.label_definition}.
{report.n_components:,} components, {report.n_component_days:,} judged component-days, {report.n_positives:,} of them \
failing; {report.n_failures:,} failures to catch.
Silent share: {silent} of these failures never showed an error in time; no list can catch them."""


def _format_scorers(report: BacktestReport) -> str:
    rows = [
        [
            scorer.name,
            f"{each.budget:g}",
            f"{each.n_tickets:,}",
            f"{each.n_hits:,}",
            _share(each.precision),
            _share(each.recall),
            "-" if each.median_lead_days is None else f"{each.median_lead_days:g}",
            f"{each.false_positives_per_10k_30d:.2f}",
            _share(scorer.average_precision),
            _share(scorer.roc_auc),
        ]
        for scorer in report.scorers
        for each in scorer.budgets
    ]
    head = [
        "scorer",
        "budget",
        "tickets",
        "hits",
        "precision",
        "recall",
        "lead days",
        "false/10k/30d",
        "AP",
        "AUC",
    ]
    title = "Budget: new tickets per 10,000 components and 30 days. Lead: median days from ticket to failure."
    return f"{title}\n\n{_table(head, rows, n_text=1)}"


def _format_differences(report: BacktestReport) -> str:
    rows = [
        [
            f"{own.budget:g}",
            _span(own.precision),
            _span(own.recall),
            _span(other.precision, signed=True),
            _span(other.recall, signed=True),
        ]
        for own, other in zip(report.intervals, report.against_rule, strict=True)
    ]
    head = ["budget", "precision", "recall", "precision, model - rule", "recall, model - rule"]
    return f"95 % intervals by component bootstrap; the differences are paired.\n\n{_table(head, rows)}"


def _format_calibration(report: BacktestReport) -> str:
    rows = [
        [str(number), f"{each.n_component_days:,}", f"{each.mean_risk:.5f}", f"{each.observed_share:.5f}"]
        for number, each in enumerate(report.calibration, start=1)
    ]
    head = ["tenth by risk", "component-days", "mean risk", "failed"]
    return f"Calibration of the model.\n\n{_table(head, rows)}"


def _format_slices(report: BacktestReport) -> str:
    rows = [
        [
            each.kind,
            each.name,
            f"{each.n_components:,}",
            f"{each.n_tickets:,}",
            f"{each.n_hits:,}",
            _share(each.precision),
            f"{each.n_failures:,}",
            _share(each.recall),
        ]
        for each in report.slices
    ]
    head = ["slice", "name", "components", "tickets", "hits", "precision", "failures", "recall"]
    return f"Parts of the fleet.\n\n{_table(head, rows, n_text=2)}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _span(interval: ReportInterval, *, signed: bool = False) -> str:
    sign = "+" if signed else ""
    return f"{interval.estimate:{sign}.3f} [{interval.low:{sign}.3f}, {interval.high:{sign}.3f}]"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], *, n_text: int = 0) -> str:
    """Return a Markdown table whose columns are padded: the first ``n_text`` hold text, the others figures."""
    widths = [max(len(row[place]) for row in [head, *rows]) for place in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        padded = [
            cell.ljust(width) if place < n_text else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return "| " + " | ".join(padded) + " |"

    ruler = [
        "-" * (width + 2) if place < n_text else "-" * (width + 1) + ":" for place, width in enumerate(widths)
    ]
    return "\n".join([line(head), "|" + "|".join(ruler) + "|", *(line(row) for row in rows)])

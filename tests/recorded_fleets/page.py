"""What is printed of a measurement, and how it gets into docs/evaluation.md: as one block a fleet."""

import re
from collections.abc import Sequence

import numpy as np

from features.evaluation import BudgetResult
from tests.recorded_fleets.fleets import Fleet
from tests.recorded_fleets.measure import MODEL, RULE, SO_FAR, Judged, Measurement
from tests.recorded_fleets.parts import judge_parts, name_groups, name_half_years

REPEAT_DAYS = 90


def render_block(fleet: Fleet, measurement: Measurement, command: str, on: str) -> str:
    """Return the label's definition, the counts and the table as Markdown."""
    return "\n".join(
        [
            f"- **Label**: {measurement.target.label_definition}. **A failure**: {fleet.failure}.",
            f"- **Data**: {_describe_data(measurement)}",
            f"- **Rule**: {measurement.target.rule.title}. {_describe_tiers(measurement)}",
            "",
            *render_table(measurement),
            "",
            *_describe_parts(measurement),
            f"Leans on {_describe_leaning(measurement)}.",
            f"{_describe_gate(measurement)} {_describe_alarm(measurement)} `{command}`, {on}.",
            "",
        ]
    )


def render_table(measurement: Measurement) -> list[str]:
    """Return one line a scorer, below two of heading."""
    small, large = (each.budget for each in measurement.judged[0].evaluation.budgets)
    head = (
        "| | average precision [95 %] | the model's minus this | ROC AUC "
        f"| budget {small:g}: tickets, precision / recall | budget {large:g}: tickets, precision / recall, lead |"
    )
    return [head, "|---|---|---|---|---|---|", *(render_row(each) for each in measurement.judged)]


def render_row(judged: Judged) -> str:
    """Return one scorer's figures."""
    evaluation = judged.evaluation
    small, large = evaluation.budgets
    difference = "–" if evaluation.name == MODEL else judged.below_model.as_difference
    lead = "–" if large.median_lead_days is None else f"{large.median_lead_days:.0f} d"
    cells = (
        evaluation.name,
        str(judged.average_precision),
        difference,
        _figure(evaluation.ranking.roc_auc),
        _budget(small),
        f"{_budget(large)}, {lead}",
    )
    return "| " + " | ".join(cells) + " |"


def replace_blocks(page: str, blocks: Sequence[tuple[str, str]]) -> str:
    """Return the page with the named blocks put between their marks; ``ValueError`` where marks are missing."""
    for name, block in blocks:
        begin, end = f"<!-- begin: {name} -->\n", f"<!-- end: {name} -->"
        pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
        if len(pattern.findall(page)) != 1:
            raise ValueError(
                f"the page has no single block between {begin.strip()} and {end}; it is as it was"
            )
        page = pattern.sub(lambda _, text=f"{begin}{block}{end}": text, page)
    return page


def _describe_data(measurement: Measurement) -> str:
    recording, rows = measurement.recording, measurement.rows
    repeated = recording.lives.measure_repeated(REPEAT_DAYS)
    ranking = measurement.judged[0].evaluation.ranking
    share = ranking.n_positives / ranking.n_component_days
    sampled = "" if rows.negative_share == 1 else f" ({rows.negative_share:.0%} of the healthy ones)"
    return (
        f"{recording.source}; {len(recording.ids):,} components, {int(recording.lives.has_failed.sum()):,} failures, "
        f"{repeated:.0%} of them within {REPEAT_DAYS} days of the component's last. "
        f"Learned from {len(rows.fails):,} component-days{sampled}, {int(rows.fails.sum()):,} of them failing, all "
        f"answers known by {measurement.split}. Judged on {ranking.n_component_days:,} component-days, "
        f"{measurement.first_day} to {measurement.last_day}, every {measurement.target.training.fold_step_days} "
        f"days; {share:.2%} of them fail. {int(measurement.of(RULE).evaluation.failures.sum()):,} failures to catch."
    )


def _describe_tiers(measurement: Measurement) -> str:
    """Say how often each tier of the rule was right: what a past failure alone says of the next."""
    rule, judged = measurement.target.rule, measurement.of(RULE).evaluation.judged
    floors = [*(tier.risk for tier in rule.tiers[1:]), rule.base_risk]
    # A tier's risks lie above all of the next tier's.
    tier = np.sum(judged.risk[:, np.newaxis] > np.array(floors), axis=1)
    parts = []
    for number, each in enumerate(rule.tiers):
        parts.append((f"in the last {each.window_days} days", tier == len(rule.tiers) - number))
    parts.append(("neither", tier == 0))
    said = [
        f"{name} {judged.fails_in_horizon[chosen].mean():.1%} of {int(chosen.sum()):,}"
        for name, chosen in parts
        if chosen.any()
    ]
    return f"Of the judged days where it holds, these fail: {'; '.join(said)}."


def _describe_parts(measurement: Measurement) -> list[str]:
    """Say each scorer's average precision by half-year, and by group where these are few."""
    evaluations = [measurement.of(name).evaluation for name in (MODEL, RULE, SO_FAR)]
    lines = []
    for title, names in (
        ("half-year", name_half_years(evaluations[0])),
        ("group", name_groups(measurement.recording, evaluations[0])),
    ):
        parts = judge_parts(names, evaluations)
        if len(parts) > 1:
            said = "; ".join(
                f"{part.name} ({part.share_failing:.1%} fail) "
                + " / ".join(f"{value:.3f}" for value in part.average_precisions)
                for part in parts
            )
            lines.append(f"Average precision by {title}, {MODEL} / {RULE} / {SO_FAR}: {said}.")
    return lines


def _describe_leaning(measurement: Measurement) -> str:
    return ", ".join(f"{name} {share:.0%}" for name, share in measurement.leans_on[:4])


def _describe_gate(measurement: Measurement) -> str:
    gate = measurement.gate
    if gate is None:
        return "Too little was known before the split for a fold: the rule would be in use."
    use = "the model" if gate.is_promoted else "the rule"
    return f"On a fold before the split the promotion gate chose **{use}**: {gate.why}."


def _describe_alarm(measurement: Measurement) -> str:
    if not measurement.alarms:
        return "The leak alarm stayed quiet."
    return "LEAK ALARM: " + "; ".join(alarm.message for alarm in measurement.alarms) + "."


def _budget(result: BudgetResult) -> str:
    return f"{result.n_tickets}, {_figure(result.precision)} / {_figure(result.recall)}"


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"

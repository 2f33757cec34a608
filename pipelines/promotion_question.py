"""What a person reads who decides about a model: its figures beside the champion's, and where it is not better."""

import datetime as dt
from collections.abc import Sequence

from pipelines.approval import ApprovalQuestion
from pipelines.folds import CHALLENGER, CHAMPION
from pipelines.lake import Lake
from pipelines.model_card import CardBudget, CardFold, ModelCard
from pipelines.monitoring.findings import find_drift_report
from pipelines.promotion_gate import LOWER_WITHIN_CHANCE
from pipelines.proposals import Proposal, list_waiting
from pipelines.registry import load_card
from pipelines.scorers import RULE_PREFIX
from pipelines.settings import Settings
from pipelines.targets import find_target
from pipelines.tickets.escaping import escape_value

_HEADER = (
    "| | tickets | hits | precision | recall | median lead, days | in vain per 10,000 and 30 days |",
    "|---|---:|---:|---:|---:|---:|---:|",
)


def ask_about_models(
    targets: Sequence[str], as_of: dt.date, settings: Settings, lake: Lake
) -> tuple[ApprovalQuestion, ...]:
    """Return a question for each model of ``targets``, trained as of that day, that waits for a person."""
    return tuple(
        ask_about_model(proposal, settings, lake)
        for target in targets
        for proposal in list_waiting(target, lake)
        if proposal.as_of == as_of
    )


def ask_about_model(proposal: Proposal, settings: Settings, lake: Lake) -> ApprovalQuestion:
    """Return the question whether a proposed model becomes champion.

    The table is of the folds of the challenger's card. The lines below it are the gate's paired comparison with
    its intervals, which leaves out days that the champion has learned from.
    """
    card = load_card(proposal.model_id, lake)
    budget = find_target(proposal.target).promotion.budget
    former = proposal.incumbent or RULE_PREFIX + proposal.target
    slices = [line for line in proposal.comparison if LOWER_WITHIN_CHANCE in line]
    whole = [line for line in proposal.comparison if LOWER_WITHIN_CHANCE not in line]
    lines = [
        (
            f"`{proposal.model_id}` has learned from what was known by {proposal.as_of}. In use is `{former}`. "
            f"The gate says: {proposal.why}."
        ),
        "",
        f"At {budget:g} tickets per 10,000 components and 30 days, on {_describe_folds(card)}:",
        "",
        *_HEADER,
        *_list_scorers(card, budget, former),
        "",
        "Challenger minus what is in use, with intervals by component:",
        "",
        *(_list_comparison(line) for line in whole),
        "",
        *_describe_slices(slices),
        "",
        *_describe_drift(proposal, lake),
        "",
        (
            f"Label: {card.label_definition}. Learned from {card.sample.n_failures} failures of "
            f"{card.data.first_day} to {card.data.last_day}. "
            f"Card: {lake.store.uri(f'models/{proposal.model_id}/card.json')}"
        ),
        "",
        (
            f"Unanswered for {settings.approval.promotion_wait_hours:g} hours, it is rejected and `{former}` stays. By "
            f"hand: `prefail promote --target {proposal.target}` or `prefail reject`."
        ),
    ]
    return ApprovalQuestion(
        about=proposal.model_id,
        subject=f"Make {proposal.model_id} the champion of {proposal.target}?",
        body="\n".join(lines),
        wait_hours=settings.approval.promotion_wait_hours,
    )


def _describe_slices(slices: Sequence[str]) -> list[str]:
    if not slices:
        return ["It is lower on no hardware model that has enough failures to say."]
    lines = [_list_comparison(line) for line in slices]
    return ["Lower on these hardware models, on none of them beyond chance:", "", *lines]


def _list_comparison(line: str) -> str:
    # The gate writes intervals in square brackets, which would be spelled out as if they came from data.
    return f"- {_show(line.replace('[', '(').replace(']', ')'))}"


def _show(text: str) -> str:
    # A percent sign is inert in Markdown; trackers, for which it is spelled out, are not asked here.
    return escape_value(text, 400).replace("(U+0025)", "%")


def _describe_drift(proposal: Proposal, lake: Lake) -> list[str]:
    """Say whether the days that it learned from were as the days before: else its folds judged another fleet."""
    report = find_drift_report(proposal.as_of, lake)
    if report is None:
        return [f"Nobody has looked for drift on {proposal.as_of}."]
    words = [each.words for each in report.findings if proposal.target in each.targets]
    if not words:
        return [f"No drift of its inputs was found on {proposal.as_of}."]
    return [f"Drift found on {proposal.as_of}:", "", *(f"- {_show(line)}" for line in words)]


def _describe_folds(card: ModelCard) -> str:
    if not card.folds:
        return "no later days"
    n = sum(fold.n_component_days for fold in card.folds)
    first, last = card.folds[0].first_day, card.folds[-1].last_day
    return (
        f"{n:,} component-days of {first} to {last} that the challenger's folds had not learned from (what is in use "
        "may have; the comparison below leaves those days out)"
    )


def _list_scorers(card: ModelCard, budget: float, former: str) -> list[str]:
    """Return a row for the challenger, what is in use and each baseline, summed over the folds that have it."""
    names = list(dict.fromkeys(scorer.name for fold in card.folds for scorer in fold.scorers))
    shown = {CHALLENGER: "**challenger**", CHAMPION: f"**in use** {former}", former: f"**in use** {former}"}
    rows = []
    for name in sorted(names, key=lambda name: (name not in shown, names.index(name))):
        found = [each for fold in card.folds if (each := _find_budget(fold, name, budget)) is not None]
        if found:
            rows.append(_write_row(shown.get(name, name), found))
    return rows


def _find_budget(fold: CardFold, name: str, budget: float) -> CardBudget | None:
    of_scorer = [each for scorer in fold.scorers if scorer.name == name for each in scorer.budgets]
    return next((each for each in of_scorer if each.budget == budget), None)


def _write_row(name: str, found: Sequence[CardBudget]) -> str:
    n_tickets, n_hits = sum(each.n_tickets for each in found), sum(each.n_hits for each in found)
    n_failures = sum(each.n_failures for each in found)
    caught = sum((each.recall or 0.0) * each.n_failures for each in found)
    leads = [f"{each.median_lead_days:g}" for each in found if each.median_lead_days is not None]
    in_vain = [f"{each.false_positives_per_10k_30d:.1f}" for each in found]
    return (
        f"| {name} | {n_tickets} | {n_hits} | {_share(n_hits, n_tickets)} | {_share(caught, n_failures)} | "
        f"{', '.join(leads) or '–'} | {', '.join(in_vain)} |"
    )


def _share(part: float, whole: float) -> str:
    return f"{part / whole:.1%}" if whole else "–"

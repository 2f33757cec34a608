"""Say what gave the risks of a list and how good it was, from the card that is stored with it."""

import datetime as dt

from features.target import Target
from pipelines.failures import read_failures
from pipelines.lake import Lake
from pipelines.model_card import CardBudget, CardFold, ModelCard
from pipelines.registry import load_card
from pipelines.report.content import BudgetFigures, ScorerDescription
from pipelines.scorers import RULE_PREFIX

MODEL_NAME = "model"  # the recipe, fitted anew for each fold
# A failure of three years ago says little about today's fleet, and each day of failures is an object to read.
_FAILURE_HISTORY = dt.timedelta(days=3 * 365)


def describe_scorer(target: Target, model_id: str, day: dt.date, lake: Lake) -> ScorerDescription:
    """Return what the list of ``day`` says about a target's scorer; the rule has no card and no figures."""
    card = None if model_id.startswith(RULE_PREFIX) else load_card(model_id, lake)
    return ScorerDescription(
        target=target.name,
        question=target.label_definition,
        model_id=model_id,
        scored_by=_word_rule(target, day, lake) if card is None else _word_model(card),
        trained_as_of=None if card is None else card.as_of,
        rule=target.rule.title,
        figures=() if card is None else judge_folds(card),
        silent_share=None if card is None else _silent_share(card.folds),
    )


def _word_model(card: ModelCard) -> str:
    return f"scored by a model trained on what was known by {card.as_of}"


def _word_rule(target: Target, day: dt.date, lake: Lake) -> str:
    """Say that the risk is a declared one, and why: too few failures to learn from, or no model in use."""
    failures = read_failures(lake, target.component_kind, day, first_day=day - _FAILURE_HISTORY)
    n_known, n_needed = len(failures.day), target.training.minimum_failures
    known = f"{n_known} failure{' is' if n_known == 1 else 's are'} known"
    if n_known < n_needed:
        return f"scored by the declared rule: {known}, {n_needed} are needed"
    return f"scored by the declared rule: {known}, but no model is in use yet"


def judge_folds(card: ModelCard) -> tuple[BudgetFigures, ...]:
    """Return precision and recall of the model's recipe and of the rule over all folds, budget by budget.

    Tickets, hits and failures are added up over the folds, so a fold counts by its size. A budget at
    which one of the two had no ticket or no failure to find is left out.
    """
    models, rules = _budgets(card.folds, MODEL_NAME), _budgets(card.folds, RULE_PREFIX + card.target)
    figures = []
    for budget in sorted(models.keys() & rules.keys()):
        model, rule = _add_up(models[budget]), _add_up(rules[budget])
        if model is not None and rule is not None:
            figures.append(
                BudgetFigures(
                    budget=budget,
                    precision=model[0],
                    recall=model[1],
                    rule_precision=rule[0],
                    rule_recall=rule[1],
                )
            )
    return tuple(figures)


def _budgets(folds: tuple[CardFold, ...], name: str) -> dict[float, list[CardBudget]]:
    found: dict[float, list[CardBudget]] = {}
    for fold in folds:
        for scorer in fold.scorers:
            if scorer.name == name:
                for budget in scorer.budgets:
                    found.setdefault(budget.budget, []).append(budget)
    return found


def _add_up(budgets: list[CardBudget]) -> tuple[float, float] | None:
    tickets = sum(each.n_tickets for each in budgets)
    hits = sum(each.n_hits for each in budgets)
    failures = sum(each.n_failures for each in budgets)
    return (hits / tickets, hits / failures) if tickets and failures else None


def _silent_share(folds: tuple[CardFold, ...]) -> float | None:
    """Return the share of failing components without a bad counter: the mean over folds, by positives."""
    known = [(fold.silent_share, fold.n_positives) for fold in folds if fold.silent_share is not None]
    total = sum(weight for _, weight in known)
    return sum(share * weight for share, weight in known) / total if total else None


def model_digest(model_id: str, lake: Lake) -> str | None:
    """Return the SHA-256 of the stored model, null for the rule, which is defined by its target."""
    return None if model_id.startswith(RULE_PREFIX) else load_card(model_id, lake).model_sha256

"""The report's figures are those of the card, added up over its folds, beside the rule's."""

import datetime as dt

from features.target import load_target
from pipelines.lake import Lake
from pipelines.model_card import CardBudget, CardFold, CardScorer
from pipelines.report.content import BudgetFigures
from pipelines.scorer_description import describe_scorer, model_digest
from tests.factories import make_valid_table, with_values

from .fleet import DAY, TARGET, store_model


def scorer(name: str, n_tickets: int, n_hits: int, n_failures: int = 20, budget: float = 10) -> CardScorer:
    judged = CardBudget(
        budget=budget,
        n_tickets=n_tickets,
        n_hits=n_hits,
        precision=n_hits / n_tickets if n_tickets else None,
        n_failures=n_failures,
        recall=n_hits / n_failures if n_failures else None,
        median_lead_days=None,
        false_positives_per_10k_30d=0.0,
    )
    return CardScorer(name=name, average_precision=None, roc_auc=None, budgets=(judged,))


def fold(*scorers: CardScorer, silent_share: float | None = None, n_positives: int = 10) -> CardFold:
    return CardFold(
        known_until=DAY,
        first_day=DAY,
        last_day=DAY,
        n_component_days=100,
        n_positives=n_positives,
        silent_share=silent_share,
        scorers=scorers,
    )


def test_figures_are_added_up_over_folds_and_not_averaged(lake: Lake) -> None:
    model_id = store_model(
        lake,
        folds=(
            fold(scorer("model", 10, 4), scorer(f"rule:{TARGET}", 10, 2), silent_share=0.5),
            fold(scorer("model", 30, 6), scorer(f"rule:{TARGET}", 30, 6), silent_share=0.3, n_positives=30),
        ),
    )
    description = describe_scorer(load_target(TARGET), model_id, DAY, lake)
    assert description.figures == (
        BudgetFigures(budget=10, precision=0.25, recall=0.25, rule_precision=0.2, rule_recall=0.2),
    )
    assert description.silent_share == (0.5 * 10 + 0.3 * 30) / 40
    assert description.trained_as_of == DAY - dt.timedelta(days=30)


def test_a_budget_with_nothing_to_judge_is_left_out(lake: Lake) -> None:
    model_id = store_model(lake, folds=(fold(scorer("model", 0, 0), scorer(f"rule:{TARGET}", 5, 1)),))
    description = describe_scorer(load_target(TARGET), model_id, DAY, lake)
    assert description.figures == ()
    assert description.silent_share is None


def test_the_rule_is_described_without_figures(lake: Lake) -> None:
    description = describe_scorer(load_target(TARGET), f"rule:{TARGET}", DAY, lake)
    assert description.figures == ()
    assert description.trained_as_of is None
    assert model_digest(f"rule:{TARGET}", lake) is None


def write_failures(lake: Lake, day: dt.date, n: int) -> None:
    failures = make_valid_table("core_failures", n, day)
    failures = with_values(failures, "component_kind", dict.fromkeys(range(n), "drive"))
    failures = with_values(failures, "is_confirmed", dict.fromkeys(range(n), True))
    lake.write_day("core_failures", day, failures)


def test_the_rule_says_how_many_failures_are_known_and_how_many_a_model_needs(lake: Lake) -> None:
    write_failures(lake, DAY - dt.timedelta(days=40), 1)
    said = describe_scorer(load_target(TARGET), f"rule:{TARGET}", DAY, lake).scored_by
    assert said == "scored by the declared rule: 1 failure is known, 20 are needed"


def test_failures_that_became_known_later_are_not_counted(lake: Lake) -> None:
    write_failures(lake, DAY, 3)
    known_by = DAY - dt.timedelta(days=1)
    said = describe_scorer(load_target(TARGET), f"rule:{TARGET}", known_by, lake).scored_by
    assert said == "scored by the declared rule: 0 failures are known, 20 are needed"


def test_the_rule_says_so_where_failures_are_enough_and_no_model_was_promoted(lake: Lake) -> None:
    for back in (10, 20):
        write_failures(lake, DAY - dt.timedelta(days=back), 12)
    said = describe_scorer(load_target(TARGET), f"rule:{TARGET}", DAY, lake).scored_by
    assert said == "scored by the declared rule: 24 failures are known, but no model is in use yet"


def test_a_model_says_by_when_what_it_learned_was_known(lake: Lake) -> None:
    said = describe_scorer(load_target(TARGET), store_model(lake), DAY, lake).scored_by
    assert said == "scored by a model trained on what was known by 2026-01-02"

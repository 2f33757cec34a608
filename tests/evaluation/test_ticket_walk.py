from dataclasses import replace

import numpy as np
import pytest
from fleet_of_lives import FIRST_DAY, make_scored_fleet
from hypothesis import given, settings
from hypothesis import strategies as st

from features.evaluation import ComponentLives, measure_span, select_candidates, summarise_walk, walk_tickets
from features.labels import ComponentFailures
from features.ranking import judge_rows


def lives_of(**last_and_failed: tuple[int, bool]) -> ComponentLives:
    ids = sorted(last_and_failed)
    return ComponentLives(
        component_ids=np.array(ids),
        last_day=np.array([last_and_failed[name][0] for name in ids]),
        has_failed=np.array([last_and_failed[name][1] for name in ids]),
        known_until=200,
    )


def walk_one(
    lives: ComponentLives, rows: list[tuple[int, int, float]], budget: float
) -> list[tuple[int, int, bool]]:
    component, day, risk = (np.array(column) for column in zip(*rows, strict=True))
    candidates = select_candidates(lives, component, day, risk.astype(float))
    (walk,) = walk_tickets(candidates, lives, horizon_days=30, lead_days=1, budgets=[budget])
    return list(zip(walk.component_index.tolist(), walk.day.tolist(), walk.is_hit.tolist(), strict=True))


ONE_TICKET_A_DAY_OF_TWO = 30 * 10_000 / 2


def test_the_riskiest_gets_the_ticket_and_ties_go_by_component_id() -> None:
    lives = lives_of(a=(200, False), b=(200, False))
    assert walk_one(lives, [(1, 100, 0.9), (0, 100, 0.1)], ONE_TICKET_A_DAY_OF_TWO) == [(1, 100, False)]
    assert walk_one(lives, [(1, 100, 0.5), (0, 100, 0.5)], ONE_TICKET_A_DAY_OF_TWO) == [(0, 100, False)]


def test_an_open_ticket_is_not_opened_again_before_its_horizon_is_over() -> None:
    lives = lives_of(a=(200, False), b=(200, False))
    rows = [(component, day, 0.9 - component / 10) for day in range(100, 132) for component in (0, 1)]
    opened = walk_one(lives, rows, ONE_TICKET_A_DAY_OF_TWO)
    assert opened == [(0, 100, False), (1, 101, False), (0, 131, False)]


@pytest.mark.parametrize(("fails_on", "is_hit"), [(101, False), (102, True), (130, True), (131, False)])
def test_a_hit_is_a_failure_after_the_lead_time_and_within_the_horizon(fails_on: int, is_hit: bool) -> None:
    lives = lives_of(a=(fails_on, True), b=(200, False))
    assert walk_one(lives, [(0, 100, 0.9), (1, 100, 0.1)], ONE_TICKET_A_DAY_OF_TWO) == [(0, 100, is_hit)]


def test_a_component_gets_no_ticket_on_the_day_it_fails_or_where_we_abstain() -> None:
    lives = lives_of(a=(100, True), b=(200, False), c=(200, False))
    rows = [(0, 100, 0.9), (1, 100, float("nan")), (2, 100, 0.1)]
    assert walk_one(lives, rows, 3 * ONE_TICKET_A_DAY_OF_TWO) == [(2, 100, False)]


def test_a_budget_is_saved_up_over_scoring_days_that_are_far_apart() -> None:
    lives = lives_of(a=(200, False), b=(200, False))
    half_a_ticket_a_day = ONE_TICKET_A_DAY_OF_TWO / 2
    daily = [(component, day, 0.5) for day in (100, 101, 102) for component in (0, 1)]
    assert [day for _, day, _ in walk_one(lives, daily, half_a_ticket_a_day)] == [101]
    every_other = [(component, day, 0.5) for day in (100, 102) for component in (0, 1)]
    assert [day for _, day, _ in walk_one(lives, every_other, half_a_ticket_a_day)] == [100, 102]


def test_tickets_younger_than_the_horizon_are_not_judged() -> None:
    lives = lives_of(a=(200, False), b=(200, False))
    with pytest.raises(ValueError, match="no scoring day is mature"):
        walk_one(lives, [(0, 171, 0.9), (1, 171, 0.1)], ONE_TICKET_A_DAY_OF_TWO)


def test_two_risks_for_one_component_and_day_are_refused() -> None:
    lives = lives_of(a=(200, False), b=(200, False))
    with pytest.raises(ValueError, match="two risks"):
        walk_one(lives, [(0, 100, 0.9), (0, 100, 0.1)], 10.0)


def test_ids_out_of_order_are_refused_because_ties_would_go_wrong() -> None:
    with pytest.raises(ValueError, match="ascend"):
        ComponentLives(
            component_ids=np.array(["b", "a"]),
            last_day=np.array([1, 1]),
            has_failed=np.array([False, False]),
            known_until=2,
        )


@given(seed=st.integers(0, 10**6))
@settings(max_examples=20, deadline=None)
def test_row_order_and_any_increasing_change_of_the_risk_leave_the_tickets_as_they_are(seed: int) -> None:
    fleet = make_scored_fleet(seed)
    shuffled = np.random.default_rng(seed).permutation(len(fleet.day))
    rows = select_candidates(fleet.lives, fleet.component_index, fleet.day, fleet.risk)
    other = select_candidates(
        fleet.lives, fleet.component_index[shuffled], fleet.day[shuffled], np.exp(3 * fleet.risk[shuffled])
    )
    for one, two in zip(
        walk_tickets(rows, fleet.lives, horizon_days=30, lead_days=1),
        walk_tickets(other, fleet.lives, horizon_days=30, lead_days=1),
        strict=True,
    ):
        assert one.component_index.tolist() == two.component_index.tolist()
        assert one.day.tolist() == two.day.tolist()


def test_a_perfect_order_catches_what_the_budget_allows_and_a_reversed_one_nothing() -> None:
    fleet = make_scored_fleet(5, n_components=400, day_steps=(1,), share_missing=0.0)
    last, failed = fleet.lives.last_day[fleet.component_index], fleet.lives.has_failed[fleet.component_index]
    is_due = failed & (last > fleet.day + 1) & (last <= fleet.day + 30)
    results = []
    for risk in (is_due.astype(float), -is_due.astype(float)):
        rows = select_candidates(fleet.lives, fleet.component_index, fleet.day, risk)
        (walk,) = walk_tickets(rows, fleet.lives, horizon_days=30, lead_days=1, budgets=[500.0])
        results.append(summarise_walk(walk, measure_span(rows, fleet.lives, horizon_days=30, lead_days=1)))
    assert results[0].precision == 1.0
    assert results[1].n_hits == 0
    assert results[0].n_tickets == results[1].n_tickets > 0
    assert fleet.day.min() > FIRST_DAY


@pytest.mark.parametrize(
    ("changed_on", "known_on", "is_judged"),
    [(101, 110, False), (130, 140, False), (131, 140, True), (99, 99, True), (110, 201, True)],
)
def test_a_ticket_whose_part_was_changed_on_our_advice_within_the_horizon_is_not_judged(
    changed_on: int, known_on: int, is_judged: bool
) -> None:
    lives = replace(
        lives_of(a=(200, False), b=(200, False)),
        unconfirmed_changes=ComponentFailures(
            component_index=np.array([0]), day_numbers=np.array([changed_on]), known_on=np.array([known_on])
        ),
    )
    opened = walk_one(lives, [(0, 100, 0.9), (1, 100, 0.1)], ONE_TICKET_A_DAY_OF_TWO)
    assert opened == ([(0, 100, False)] if is_judged else [])


def test_a_part_that_failed_before_anybody_changed_it_is_a_hit_all_the_same() -> None:
    lives = replace(
        lives_of(a=(110, True), b=(200, False)),
        unconfirmed_changes=ComponentFailures(
            component_index=np.array([0]), day_numbers=np.array([112]), known_on=np.array([113])
        ),
    )
    assert walk_one(lives, [(0, 100, 0.9), (1, 100, 0.1)], ONE_TICKET_A_DAY_OF_TWO) == [(0, 100, True)]


def test_chance_is_measured_without_the_rows_that_can_not_be_judged() -> None:
    lives = lives_of(a=(110, True), b=(200, False), c=(200, False))
    rows = select_candidates(lives, np.arange(3), np.full(3, 100), np.array([0.3, 0.2, 0.1]))
    changes = ComponentFailures(
        component_index=np.array([1]), day_numbers=np.array([105]), known_on=np.array([106])
    )
    advised = replace(lives, unconfirmed_changes=changes)
    assert measure_span(rows, lives, horizon_days=30, lead_days=1).random_precision == 1 / 3
    assert measure_span(rows, advised, horizon_days=30, lead_days=1).random_precision == 1 / 2
    assert judge_rows(rows, advised, horizon_days=30, lead_days=1).fails_in_horizon.tolist() == [True, False]

"""What technicians write: every rule's own examples, what must not be read into a remark, and contradictions."""

import re
from collections import Counter

import pytest

from pipelines.tickets.outcomes.finding import Finding
from pipelines.tickets.outcomes.text_rules import load_text_rules, read_remarks

EXAMPLES = [(rule.id, example) for rule in load_text_rules() for example in rule.examples]


@pytest.mark.parametrize(("rule_id", "example"), EXAMPLES)
def test_each_example_leads_to_its_rule(rule_id: str, example: str) -> None:
    assert [rule.id for rule in read_remarks([example]).rules] == [rule_id]


def test_each_rule_has_a_name_of_its_own_that_begins_with_its_language() -> None:
    rules = load_text_rules()
    assert max(Counter(rule.id for rule in rules).values()) == 1
    assert all(rule.id.startswith(f"{rule.language}_") for rule in rules)
    assert all(rule.outcome is not Finding.UNKNOWN for rule in rules)


@pytest.mark.parametrize(
    "remark",
    [
        "",
        "Looking at it tomorrow.",
        "Could somebody replace the failed drive?",
        "Ordered a new one.",
        "The drive has not failed yet.",
        "Not confirmed so far.",
        "Unconfirmed.",
        "Waiting for the maintenance window.",
        "> Replaced the failed drive.\n> No fault found.",
        "Platte wird morgen getauscht",
        "Will reseat it tomorrow.",
        "Please reseat the module.",
        "Confirmed with the team, will look on Monday.",
    ],
)
def test_what_says_nothing_certain_is_no_outcome(remark: str) -> None:
    assert read_remarks([remark]).rules == ()


@pytest.mark.parametrize(
    ("remark", "finding"),
    [
        ("COULD NOT CONFIRM THE FAULT", Finding.NO_FAULT_FOUND),
        ("Reseated,\nno change.\nReplaced  the\tdead drive.", Finding.CONFIRMED),
        ("Replaced drive, no errors since.", Finding.REPLACED_UNCONFIRMED),
        ("Kabel getauscht, Platte bleibt", Finding.RESEATED),
    ],
)
def test_in_one_remark_the_first_rule_that_matches_wins(remark: str, finding: Finding) -> None:
    assert read_remarks([remark]).finding is finding


def test_remarks_that_agree_are_one_outcome_and_others_contradict() -> None:
    agreeing = read_remarks(["Drive was dead.", "Defekte Platte getauscht."])
    assert (agreeing.finding, agreeing.is_contradictory) == (Finding.CONFIRMED, False)
    contradicting = read_remarks(["Drive was dead.", "hm", "No fault found."])
    assert (contradicting.finding, contradicting.is_contradictory) == (None, True)


def test_a_pasted_log_costs_nothing() -> None:
    lines = "replaced " * 200_000 + "x"
    assert read_remarks([lines]).rules is not None


def test_no_pattern_repeats_a_repetition_of_anything() -> None:
    # The shape behind exponential matching, (a+)+ and (.*)*.
    for rule in load_text_rules():
        assert not re.search(r"\([^()]*[+*]\)[+*]", rule.pattern), rule.id

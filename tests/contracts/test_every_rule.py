"""Each contract passes a valid table, and each of its rules catches its own breach and no other."""

import pytest

from data_contracts.loader import list_contracts, load_contract
from data_contracts.model import RowCountOfUsual, Severity
from pipelines.errors import ContractBlockedError
from pipelines.lake import Lake
from pipelines.validation import validate_day
from pipelines.verdicts import RuleOutcome, Verdict, VerdictWord, read_verdict
from tests.contracts.breakage import DAY, N_ROWS, Breakage, break_rules, list_breakages
from tests.factories import make_valid_table

BREAKAGES = list_breakages()


@pytest.mark.parametrize("dataset", list_contracts())
def test_a_valid_table_passes_every_rule(dataset: str, lake: Lake) -> None:
    table = make_valid_table(dataset, N_ROWS, DAY)
    validated = validate_day(load_contract(dataset), table, DAY, lake, usual_rows=N_ROWS)
    assert {
        result.rule: result.result for result in validated.rules if result.result is not RuleOutcome.PASSED
    } == {}
    assert validated.verdict is VerdictWord.PASSED
    assert validated.table.equals(table)


def test_every_rule_of_every_contract_has_a_breakage() -> None:
    broken = {(breakage.dataset, rule.key) for breakage in BREAKAGES for rule in breakage.rules}
    assert broken == {(name, rule.key) for name in list_contracts() for rule in load_contract(name).rules}


@pytest.mark.parametrize("breakage", BREAKAGES, ids=lambda breakage: breakage.name)
def test_a_broken_rule_is_the_one_that_fails(breakage: Breakage, lake: Lake) -> None:
    contract = load_contract(breakage.dataset)
    severity = breakage.rules[0].severity
    broken = break_rules(breakage)
    blocked = None
    try:
        validated = validate_day(contract, broken.table, DAY, lake, usual_rows=broken.usual_rows)
    except ContractBlockedError as error:
        blocked = error
    verdict = read_verdict(lake, breakage.dataset, DAY, attempt="blocked" if blocked else "flowed")
    assert verdict is not None
    failed = {result.rule for result in verdict.broken_rules}
    if isinstance(breakage.rules[0].check, RowCountOfUsual):
        # Less than half of the usual rows is also less than four fifths of them.
        failed &= {rule.key for rule in breakage.rules}
    assert failed == set(broken.rows)
    assert _row_counts(verdict, failed) == {rule: len(rows) for rule, rows in broken.rows.items()}
    n_rows_at_fault = len({row for rows in broken.rows.values() for row in rows})
    if severity is Severity.BLOCK:
        assert blocked is not None
        assert verdict.verdict is VerdictWord.BLOCKED
    elif severity is Severity.QUARANTINE:
        assert validated.verdict is VerdictWord.QUARANTINED
        assert validated.table.num_rows == broken.table.num_rows - n_rows_at_fault
    else:
        assert validated.verdict is VerdictWord.WARNED
        assert validated.table.num_rows == broken.table.num_rows


def _row_counts(verdict: Verdict, rules: set[str]) -> dict[str, int]:
    return {result.rule: result.n_rows_at_fault for result in verdict.rules if result.rule in rules}

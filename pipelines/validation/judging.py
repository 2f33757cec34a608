"""What each rule's finding means for the day, and what all of them together do."""

from collections.abc import Sequence

from data_contracts.model import Contract, RowCount, RowCountOfUsual, Rule, Severity
from pipelines.validation.gx_runner import Finding
from pipelines.validation.row_faults import RowFault
from pipelines.validation.schema_check import SCHEMA_CLAIM, SCHEMA_RULE
from pipelines.verdicts import RuleOutcome, RuleResult, VerdictWord

QUARANTINE_LIMIT_RULE = "quarantine_limit"


def schema_result(faults: tuple[str, ...], n_rows: int) -> RuleResult:
    """Return whether columns and types are right; it blocks, because nothing else can be checked."""
    return RuleResult(
        rule=SCHEMA_RULE,
        claim=SCHEMA_CLAIM,
        severity=Severity.BLOCK,
        result=RuleOutcome.FAILED if faults else RuleOutcome.PASSED,
        n_rows_at_fault=n_rows if faults else 0,
        detail="; ".join(faults) or None,
    )


def rule_result(
    rule: Rule, finding: Finding, faults: Sequence[RowFault], usual_rows: int | None
) -> RuleResult:
    """Return what became of one rule; ``n_rows_at_fault`` are those that ``faults`` lays to it."""
    outcome, detail = RuleOutcome.FAILED, finding.crash
    if finding.crash is not None:
        outcome = RuleOutcome.COULD_NOT_RUN
    elif isinstance(rule.check, RowCountOfUsual) and not usual_rows:
        outcome = RuleOutcome.NOT_CHECKED
    elif finding.is_met:
        outcome = RuleOutcome.PASSED
    elif isinstance(rule.check, RowCount):
        detail = f"{finding.observed:,} rows"
    elif isinstance(rule.check, RowCountOfUsual):
        detail = f"{finding.observed:,} rows, usually {usual_rows:,}"
    return RuleResult(
        rule=rule.key,
        claim=rule.claim,
        severity=rule.severity,
        result=outcome,
        n_rows_at_fault=sum(len(fault.rows) for fault in faults if fault.rule is rule),
        examples=finding.examples,
        detail=detail,
    )


def limit_result(contract: Contract, n_aside: int, n_rows: int) -> RuleResult:
    """Return whether so many rows are at fault that the delivery as a whole is.

    One row alone never is, where any may be set aside: ten drives must not be blocked by one of them.
    """
    share = contract.quarantine_limit_pct / 100
    is_over = n_aside > max(n_rows * share, 1 if share else 0)
    return RuleResult(
        rule=QUARANTINE_LIMIT_RULE,
        claim=f"at most {contract.quarantine_limit_pct:g} % of the rows are set aside",
        severity=Severity.BLOCK,
        result=RuleOutcome.FAILED if is_over else RuleOutcome.PASSED,
        n_rows_at_fault=n_aside if is_over else 0,
    )


def is_blocking(result: RuleResult) -> bool:
    """Return whether the rule stops the day: a block rule that failed, or any that could not run."""
    if result.result is RuleOutcome.COULD_NOT_RUN:
        return True
    return result.result is RuleOutcome.FAILED and result.severity is Severity.BLOCK


def word_of(results: Sequence[RuleResult], n_aside: int) -> VerdictWord:
    """Return the verdict of a day that no rule stopped."""
    if n_aside:
        return VerdictWord.QUARANTINED
    is_warned = any(result.result is RuleOutcome.FAILED for result in results)
    return VerdictWord.WARNED if is_warned else VerdictWord.PASSED

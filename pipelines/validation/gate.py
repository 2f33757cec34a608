"""Decide what becomes of a day's rows: they flow, some are set aside, or nothing flows."""

import datetime as dt
import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from data_contracts.model import Contract, Severity
from pipelines.errors import ContractBlockedError
from pipelines.lake import ONLY_PART, Lake
from pipelines.validation.blocking import blocked_error
from pipelines.validation.expectations import compile_suite, parameters_of
from pipelines.validation.gx_runner import run_suite
from pipelines.validation.judging import is_blocking, limit_result, rule_result, schema_result, word_of
from pipelines.validation.quarantine import (
    MOST_BLOCKED_ROWS,
    clear_quarantine,
    write_quarantine,
    write_sample,
)
from pipelines.validation.row_faults import RowFault, find_row_faults, rows_of
from pipelines.validation.schema_check import find_schema_faults, in_contract_form
from pipelines.validation.table_frame import frame_of
from pipelines.verdicts import RuleResult, Verdict, VerdictWord, write_verdict

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Validated:
    """The rows that flow on, in the contract's form, and what was said of those delivered.

    ``verdict`` is passed, warned or quarantined. ``quarantine_key`` is None where no row was set aside.
    """

    table: pa.Table
    verdict: VerdictWord
    rules: tuple[RuleResult, ...]
    n_rows: int
    n_quarantined: int
    verdict_key: str
    quarantine_key: str | None


def validate_day(
    contract: Contract,
    table: pa.Table,
    day: dt.date,
    lake: Lake,
    *,
    part: str = ONLY_PART,
    usual_rows: int | None = None,
) -> Validated:
    """Check one part of one dataset's day against its contract; one row of ``table`` per the contract's grain.

    Writes the verdict, and the rows at fault with their reasons; a clean re-run removes those of an
    earlier attempt. The table itself is the caller's to write. ``usual_rows`` is the usual count of
    such a day, None where nobody knows it yet: then rules about it are "not checked".

    Raises ``ContractBlockedError`` where a block rule fails, a rule could not run, or more rows are
    at fault than the contract's limit. Then nothing flows.
    """
    delivery = _Delivery(contract=contract, table=table, day=day, lake=lake, part=part, usual_rows=usual_rows)
    schema_faults = find_schema_faults(contract, table)
    schema = schema_result(schema_faults, table.num_rows)
    if schema_faults:
        sample_key = write_sample(lake, contract.dataset, day, part, table, "; ".join(schema_faults))
        raise delivery.block((schema,), sample_key)

    findings = run_suite(
        compile_suite(contract), frame_of(contract, table), parameters_of(contract, day, usual_rows)
    )
    judged = tuple(zip(contract.rules, findings, strict=True))
    faults = [fault for rule, finding in judged for fault in find_row_faults(rule, finding, table)]
    quarantined = [fault for fault in faults if fault.rule.severity is Severity.QUARANTINE]
    rows_aside = rows_of(quarantined)
    results = (
        schema,
        *(rule_result(rule, finding, faults, usual_rows) for rule, finding in judged),
        limit_result(contract, len(rows_aside), table.num_rows),
    )
    if any(is_blocking(result) for result in results):
        at_fault = [fault for fault in faults if fault.rule.severity is not Severity.WARN]
        raise delivery.block(results, delivery.set_aside(rows_of(at_fault)[:MOST_BLOCKED_ROWS], at_fault))
    return delivery.let_flow(results, rows_aside, delivery.set_aside(rows_aside, quarantined))


@dataclass(frozen=True, kw_only=True)
class _Delivery:
    """One part of one dataset's day as it came."""

    contract: Contract
    table: pa.Table
    day: dt.date
    lake: Lake
    part: str
    usual_rows: int | None

    def set_aside(self, rows: np.ndarray, faults: Sequence[RowFault]) -> str | None:
        """Store rows at fault, or remove those of an earlier attempt; return the key of what is there."""
        if len(rows):
            return write_quarantine(
                self.lake, self.contract.dataset, self.day, self.part, self.table, rows, faults
            )
        clear_quarantine(self.lake, self.contract.dataset, self.day, self.part)
        return None

    def block(self, results: tuple[RuleResult, ...], quarantine_key: str | None) -> ContractBlockedError:
        """Store the blocked verdict and return the error to raise."""
        verdict = self._verdict(VerdictWord.BLOCKED, results, 0)
        write_verdict(self.lake, verdict)
        rows_uri = None if quarantine_key is None else self.lake.store.uri(quarantine_key)
        return blocked_error(self.contract, verdict, rows_uri)

    def let_flow(
        self, results: tuple[RuleResult, ...], rows_aside: np.ndarray, quarantine_key: str | None
    ) -> Validated:
        """Store the verdict and return all rows but those set aside."""
        verdict = self._verdict(word_of(results, len(rows_aside)), results, len(rows_aside))
        verdict_key = write_verdict(self.lake, verdict)
        _log(verdict)
        flowing = self.table
        if len(rows_aside):
            flowing = flowing.take(pa.array(np.setdiff1d(np.arange(flowing.num_rows), rows_aside)))
        return Validated(
            table=in_contract_form(self.contract, flowing),
            verdict=verdict.verdict,
            rules=results,
            n_rows=self.table.num_rows,
            n_quarantined=len(rows_aside),
            verdict_key=verdict_key,
            quarantine_key=quarantine_key,
        )

    def _verdict(self, word: VerdictWord, results: tuple[RuleResult, ...], n_quarantined: int) -> Verdict:
        return Verdict(
            dataset=self.contract.dataset,
            day=self.day,
            part=self.part,
            verdict=word,
            n_rows=self.table.num_rows,
            n_quarantined=n_quarantined,
            usual_rows=self.usual_rows,
            contract_version=self.contract.version,
            contract_sha256=self.contract.sha256,
            rules=results,
        )


def _log(verdict: Verdict) -> None:
    if verdict.verdict is VerdictWord.PASSED:
        return
    level = logging.WARNING if verdict.verdict is VerdictWord.QUARANTINED else logging.INFO
    log.log(
        level,
        f"{verdict.dataset} checked: day={verdict.day} part={verdict.part} verdict={verdict.verdict} "
        f"rows={verdict.n_rows} quarantined={verdict.n_quarantined} "
        f"broken={','.join(result.rule for result in verdict.broken_rules)}",
    )

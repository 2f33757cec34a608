"""Render Data Docs, Great Expectations' HTML pages, from the stored verdicts. A door, see ``gx_runner``."""

import datetime as dt
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from data_contracts.loader import list_contracts, load_contract
from data_contracts.model import Contract
from pipelines.lake import Lake
from pipelines.validation.docs_site import finish_site
from pipelines.validation.expectations import Expectation, Json, compile_suite, parameters_of
from pipelines.validation.gx_runner import build_gx_suite, open_context, quiet_great_expectations
from pipelines.validation.schema_check import SCHEMA_CLAIM, SCHEMA_RULE
from pipelines.verdicts import RuleOutcome, RuleResult, Verdict, read_latest_verdicts

if TYPE_CHECKING:
    from great_expectations.core import ExpectationSuiteValidationResult, ExpectationValidationResult
    from great_expectations.data_context import EphemeralDataContext

_FOLDER = "data_docs"


def build_data_docs(lake: Lake) -> str:
    """Write the site of every contract's suite and its latest verdicts to ``data_docs/``; return its address.

    Pages of the build before are removed once the new ones are there. It takes seconds: once a run.
    """
    with tempfile.TemporaryDirectory(prefix="prefail-data-docs-") as folder, quiet_great_expectations():
        context = _open_site(Path(folder))
        for dataset in list_contracts():
            contract = load_contract(dataset)
            context.suites.add(build_gx_suite(compile_suite(contract)))
            for verdict in read_latest_verdicts(lake, dataset):
                _store(context, contract, verdict)
        context.build_data_docs()
        pages = finish_site(
            {
                path.relative_to(folder).as_posix(): path.read_bytes()
                for path in sorted(Path(folder).rglob("*"))
                if path.is_file()
            }
        )
    for name, page in pages.items():
        lake.store.write(f"{_FOLDER}/{name}", page)
    for item in list(lake.store.list_keys(f"{_FOLDER}/")):
        if item.key.removeprefix(f"{_FOLDER}/") not in pages:
            lake.store.delete(item.key)
    return lake.store.uri(f"{_FOLDER}/index.html")


def _open_site(folder: Path) -> "EphemeralDataContext":
    context = open_context()
    context.add_data_docs_site(
        site_name="prefail",
        site_config={
            "class_name": "SiteBuilder",
            "show_how_to_buttons": False,
            "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder)},
            "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
        },
    )
    return context


def _store(context: "EphemeralDataContext", contract: Contract, verdict: Verdict) -> None:
    from great_expectations.core.run_identifier import RunIdentifier
    from great_expectations.data_context.types.resource_identifiers import (
        ExpectationSuiteIdentifier,
        ValidationResultIdentifier,
    )

    # The day stands for the run's time: a page says which day it is about, and a re-build is the same page.
    run = RunIdentifier(
        run_name=f"{verdict.day.isoformat()}-{verdict.verdict}",
        run_time=dt.datetime.combine(verdict.day, dt.time(), dt.UTC),
    )
    identifier = ValidationResultIdentifier(
        expectation_suite_identifier=ExpectationSuiteIdentifier(contract.dataset),
        run_id=run,
        batch_identifier=f"part-{verdict.part}",
    )
    context.validation_results_store.set(identifier, _suite_result(contract, verdict, run))


def _suite_result(contract: Contract, verdict: Verdict, run: object) -> "ExpectationSuiteValidationResult":
    from great_expectations.core import ExpectationSuiteValidationResult

    said = {rule.rule: rule for rule in verdict.rules}
    parameters = parameters_of(contract, verdict.day, verdict.usual_rows)
    results = [
        _rule_result(expectation, said[expectation.rule], verdict.n_rows, parameters)
        for expectation in (_schema_expectation(contract), *compile_suite(contract).expectations)
        if expectation.rule in said and said[expectation.rule].result is not RuleOutcome.NOT_CHECKED
    ]
    n_met = sum(bool(result.success) for result in results)
    return ExpectationSuiteValidationResult(
        success=n_met == len(results),
        suite_name=contract.dataset,
        results=results,
        statistics={
            "evaluated_expectations": len(results),
            "successful_expectations": n_met,
            "unsuccessful_expectations": len(results) - n_met,
            "success_percent": 100 * n_met / len(results) if results else None,
        },
        meta={
            "run_id": run,
            "batch_spec": {"dataset": verdict.dataset, "part": verdict.part},
            "active_batch_definition": {"dataset": verdict.dataset, "day": verdict.day.isoformat()},
            "contract_version": verdict.contract_version,
            "contract_sha256": verdict.contract_sha256,
        },
    )


def _schema_expectation(contract: Contract) -> Expectation:
    """Return the check of columns and types, which runs before any suite, in the suite's words."""
    return Expectation(
        rule=SCHEMA_RULE,
        type="expect_table_columns_to_match_set",
        kwargs={"column_set": [column.name for column in contract.columns], "exact_match": True},
        severity="critical",
        note=SCHEMA_CLAIM,
    )


def _rule_result(
    expectation: Expectation, said: RuleResult, n_rows: int, parameters: Mapping[str, object]
) -> "ExpectationValidationResult":
    from great_expectations.core import ExpectationValidationResult
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    is_crashed = said.result is RuleOutcome.COULD_NOT_RUN
    detail: dict[str, object] = {"observed_value": said.detail or n_rows}
    if not expectation.type.startswith("expect_table_"):
        detail = {
            "element_count": n_rows,
            "unexpected_count": said.n_rows_at_fault,
            "unexpected_percent": 100 * said.n_rows_at_fault / n_rows if n_rows else 0.0,
            "partial_unexpected_list": list(said.examples),
        }
    return ExpectationValidationResult(
        success=said.result is RuleOutcome.PASSED,
        expectation_config=ExpectationConfiguration(
            type=expectation.type,
            kwargs={name: _filled(value, parameters) for name, value in expectation.kwargs.items()},
            meta={"rule": expectation.rule},
            notes=expectation.note,
            severity=expectation.severity,
        ),
        result={} if is_crashed else detail,
        exception_info={
            "raised_exception": is_crashed,
            "exception_message": f"could not run: {said.detail}" if is_crashed else None,
            "exception_traceback": "" if is_crashed else None,
        },
    )


def _filled(value: Json, parameters: Mapping[str, object]) -> object:
    if not isinstance(value, Mapping) or "$PARAMETER" not in value:
        return value
    known = parameters[str(value["$PARAMETER"])]
    if isinstance(known, dt.datetime):
        return known.isoformat()
    return list(known) if isinstance(known, Sequence) else known

"""Run expectations over one table. A door: only modules named ``gx_…`` know Great Expectations.

It is imported on first use, because that takes seconds. Telemetry and progress bars are off.
"""

import functools
import json
import logging
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipelines.validation.expectations import Expectation, Suite
from pipelines.validation.first_pass import PARAMETERS, first_pass_of

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations.core import ExpectationSuite, ExpectationValidationResult
    from great_expectations.core.batch import Batch
    from great_expectations.core.batch_definition import BatchDefinition
    from great_expectations.data_context import EphemeralDataContext

_MOST_EXAMPLES = 5
# COMPLETE lists every row at fault; the filter string that it would build as well is left out.
_WITH_ROWS = {"result_format": "COMPLETE", "return_unexpected_index_query": False}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What Great Expectations said of one expectation.

    ``rows`` (int64) are positions in the table, ascending, where the expectation failed and is about
    rows; ``examples`` are some of the values there; ``observed`` is the number of rows, where it is
    about that. ``crash`` says why it could not run; then ``is_met`` is false and means nothing.
    """

    rule: str
    is_met: bool
    rows: np.ndarray
    examples: tuple[str, ...] = ()
    observed: int | None = None
    crash: str | None = None


def run_suite(suite: Suite, frame: "pd.DataFrame", parameters: Mapping[str, object]) -> tuple[Finding, ...]:
    """Check ``frame`` (index 0, 1, 2, …) and return one finding per expectation, in their order.

    The rules of single columns are checked together first, in the cheap result format. Rows are asked for
    only of expectations that were not met, each on its own.
    """
    with quiet_great_expectations():
        try:
            batch = _batch_definition().get_batch(batch_parameters={"dataframe": frame})
            unmet = _find_unmet(batch, suite, parameters)
            findings = {e.rule: _met(e.rule) for e in suite.expectations if e.rule not in unmet}
            if unmet:
                again = tuple(e for e in suite.expectations if e.rule in unmet)
                results = _validate(batch, Suite(name=suite.name, expectations=again), parameters, _WITH_ROWS)
                findings |= _findings_of(again, results)
        except Exception as error:
            # Whatever breaks in there means the same: nobody checked the data.
            return tuple(_crashed(e.rule, f"{type(error).__name__}: {error}") for e in suite.expectations)
    return tuple(findings[expectation.rule] for expectation in suite.expectations)


@contextmanager
def quiet_great_expectations() -> Iterator[None]:
    """Import Great Expectations without telemetry, and keep its warnings from becoming ours."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    with warnings.catch_warnings():
        # Deprecated standard library modules at import, pandas deprecations at run time: not ours to mend.
        warnings.simplefilter("ignore")
        # It logs hundreds of lines at import and a trace of each crash; a finding carries its crash.
        logging.getLogger("great_expectations").propagate = False
        from pipelines.validation import gx_column_rules  # noqa: F401  # importing it registers the expectation

        yield


def open_context() -> "EphemeralDataContext":
    """Return a new context: in memory, with no site and no progress bars."""
    import great_expectations as gx
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        progress_bars=ProgressBarsConfig(globally=False),
        analytics_enabled=False,
    )
    return gx.get_context(mode="ephemeral", project_config=config)


@functools.cache
def _batch_definition() -> "BatchDefinition":
    """Open one context a process; it keeps no results, and of batches only the last."""
    source = open_context().data_sources.add_pandas("day")
    return source.add_dataframe_asset("part").add_batch_definition_whole_dataframe("all")


@functools.lru_cache(maxsize=64)
def build_gx_suite(suite: Suite) -> "ExpectationSuite":
    """Return the expectations as a Great Expectations suite; each carries its rule's key and its reason."""
    import great_expectations as gx
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    return gx.ExpectationSuite(
        name=suite.name,
        expectations=[
            ExpectationConfiguration(
                type=expectation.type,
                kwargs=dict(expectation.kwargs),
                meta={"rule": expectation.rule},
                notes=expectation.note,
                severity=expectation.severity,
            ).to_domain_obj()
            for expectation in suite.expectations
        ],
    )


def _validate(
    batch: "Batch", suite: Suite, parameters: Mapping[str, object], result_format: str | dict[str, object]
) -> "list[ExpectationValidationResult]":
    outcome = batch.validate(
        build_gx_suite(suite), result_format=result_format, expectation_parameters=dict(parameters)
    )
    results: list[ExpectationValidationResult] = outcome.results
    return results


def _find_unmet(batch: "Batch", suite: Suite, parameters: Mapping[str, object]) -> frozenset[str]:
    """Return the rules that were not met, or of which nobody can say: those have to be run on their own."""
    from pipelines.validation.gx_column_rules import NOT_KEPT

    first = first_pass_of(suite)
    as_text = json.dumps(dict(parameters), default=str)
    results = _validate(batch, first.suite, {**parameters, PARAMETERS: as_text}, "BOOLEAN_ONLY")
    by_rule = {result.expectation_config.meta["rule"]: result for result in results}
    unmet: set[str] = set()
    for rule, members in first.members.items():
        result = by_rule.get(rule)
        if result is None or not result.success:
            named = (result.meta or {}).get(NOT_KEPT) if result is not None else None
            unmet.update(named or members)
    return frozenset(unmet)


def _findings_of(
    expectations: Sequence[Expectation], results: "Sequence[ExpectationValidationResult]"
) -> dict[str, Finding]:
    said = {result.expectation_config.meta["rule"]: _finding(result) for result in results}
    missing = (each.rule for each in expectations if each.rule not in said)
    return said | {rule: _crashed(rule, "Great Expectations returned no result") for rule in missing}


def _finding(result: "ExpectationValidationResult") -> Finding:
    rule = result.expectation_config.meta["rule"]
    crash = _crash_of(result.exception_info or {})
    if crash is not None:
        return _crashed(rule, crash)
    detail = result.result
    return Finding(
        rule=rule,
        is_met=bool(result.success),
        rows=np.array(sorted(detail.get("unexpected_index_list") or ()), dtype=np.int64),
        examples=tuple(
            _text(value) for value in (detail.get("partial_unexpected_list") or ())[:_MOST_EXAMPLES]
        ),
        observed=detail.get("observed_value"),
    )


def _crash_of(exception_info: Mapping[str, object]) -> str | None:
    """Return the message of what was raised; it hides at the top or one level down, under a metric's name."""
    if exception_info.get("raised_exception"):
        return str(exception_info.get("exception_message"))
    for nested in exception_info.values():
        if isinstance(nested, Mapping) and nested.get("raised_exception"):
            return str(nested.get("exception_message"))
    return None


def _crashed(rule: str, crash: str) -> Finding:
    return Finding(
        rule=rule, is_met=False, rows=np.array([], dtype=np.int64), crash=" ".join(crash.split())[:300]
    )


def _met(rule: str) -> Finding:
    return Finding(rule=rule, is_met=True, rows=np.array([], dtype=np.int64))


def _text(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))  # a column with nulls travels as float64
    return repr(value)[:80] if isinstance(value, str | dict) else str(value)[:80]

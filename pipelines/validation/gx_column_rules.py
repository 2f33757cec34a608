"""An expectation of our own: all columns of a table keep their rules. A door, see ``gx_runner``.

Great Expectations spends 4 ms of machinery on each expectation, whatever it checks; the dozens of rules of a
dataset's columns cost it more than all their rows. This one names the rules that are not kept, and only
their own expectations are run then and say what is wrong: it never words a verdict.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import pandas as pd
from great_expectations.core.metric_domain_types import MetricDomainTypes
from great_expectations.execution_engine import PandasExecutionEngine
from great_expectations.expectations.expectation import BatchExpectation
from great_expectations.expectations.metrics.metric_provider import metric_value
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider

from pipelines.validation.first_pass import (
    BETWEEN,
    COLUMN_RULES_TYPE,
    IN_SET,
    IS_NULL,
    NOT_NULL,
    PARAMETERS,
)

# Where a result says which rules were not kept: its details are left out of the cheap format.
NOT_KEPT = "rules_not_kept"
_METRIC = "table.column_rules_not_kept"


@dataclass(frozen=True, kw_only=True)
class _ColumnRule:
    """One expectation of a column; ``where`` is another column and whether it is null in the rows meant."""

    rule: str
    type: str
    column: str
    where: tuple[str, bool] | None
    min_value: float | str | None
    max_value: float | str | None
    value_set: tuple[str, ...]
    regex: str


def _read_rules(rules: str, parameters: str) -> Iterator[_ColumnRule]:
    filled = json.loads(parameters)
    for each in json.loads(rules):
        said = {
            name: filled[value["$PARAMETER"]] if isinstance(value, dict) and "$PARAMETER" in value else value
            for name, value in each["kwargs"].items()
        }
        condition = said.get("row_condition")
        yield _ColumnRule(
            rule=each["rule"],
            type=each["type"],
            column=said["column"],
            where=(condition["column"]["name"], condition["is_null"]) if condition else None,
            min_value=said.get("min_value"),
            max_value=said.get("max_value"),
            value_set=tuple(said.get("value_set", ())),
            regex=said.get("regex", ""),
        )


def _is_kept(rule: _ColumnRule, frame: pd.DataFrame) -> bool:
    """Return whether no row breaks the rule; null breaks none but NOT_NULL, as in the rule's own expectation."""
    values = frame[rule.column]
    if rule.where is not None:
        other, is_null = rule.where
        values = values[frame[other].isna() == is_null]
    if rule.type == NOT_NULL:
        return not values.isna().any()
    if rule.type == IS_NULL:
        return bool(values.isna().all())
    if rule.type == BETWEEN:
        is_below = rule.min_value is not None and (values < rule.min_value).any()
        is_above = rule.max_value is not None and (values > rule.max_value).any()
        return not is_below and not is_above
    distinct = values.dropna().drop_duplicates()
    if rule.type == IN_SET:
        return bool(distinct.isin(rule.value_set).all())
    return bool(distinct.astype(str).str.contains(rule.regex).all())


class TableColumnRulesNotKept(TableMetricProvider):  # type: ignore[misc]  # GX ships no types to us
    """The keys of the rules that some row breaks."""

    metric_name = _METRIC
    value_keys = ("rules", PARAMETERS)

    @metric_value(engine=PandasExecutionEngine)  # type: ignore[untyped-decorator]  # GX ships no types
    def _pandas(
        cls,  # noqa: N805  # the decorator makes it a class method
        execution_engine: PandasExecutionEngine,
        metric_domain_kwargs: dict[str, object],
        metric_value_kwargs: dict[str, str],
        **_: object,
    ) -> tuple[str, ...]:
        frame, _domain, _accessor = execution_engine.get_compute_domain(
            metric_domain_kwargs, domain_type=MetricDomainTypes.TABLE
        )
        rules = _read_rules(metric_value_kwargs["rules"], metric_value_kwargs[PARAMETERS])
        return tuple(each.rule for each in rules if not _is_kept(each, frame))


class ExpectTableColumnsToKeepTheirRules(BatchExpectation):  # type: ignore[misc]  # GX ships no types
    """Expect that no row breaks a rule of its column; ``rules`` are expectations, as JSON like ``parameters``."""

    rules: str
    parameters: str | dict[str, str]  # until the suite's parameters are filled in, their name

    metric_dependencies: ClassVar[tuple[str, ...]] = (_METRIC,)
    domain_keys: ClassVar[tuple[str, ...]] = ("batch_id",)
    success_keys: ClassVar[tuple[str, ...]] = ("rules", PARAMETERS)
    args_keys: ClassVar[tuple[str, ...]] = ("rules", PARAMETERS)

    def _validate(self, metrics: dict[str, tuple[str, ...]], **_: object) -> dict[str, object]:
        not_kept = metrics[_METRIC]
        return {"success": not not_kept, "result": {}, "meta": {NOT_KEPT: list(not_kept)}}


assert ExpectTableColumnsToKeepTheirRules.expectation_type == COLUMN_RULES_TYPE

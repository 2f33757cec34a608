"""An expectation of our own: many columns keep the same simple rule. A door, see ``gx_runner``.

Great Expectations spends 4 ms of machinery on each expectation, whatever it checks; 29 counters with
one range cost it more than all their rows. Where this one is met, so is each column's own; where it
is not, the columns' own expectations are run and say what is wrong.
"""

from typing import ClassVar

import numpy as np
import pandas as pd
from great_expectations.execution_engine import PandasExecutionEngine
from great_expectations.expectations.expectation import MulticolumnMapExpectation
from great_expectations.expectations.metrics.map_metric_provider import MulticolumnMapMetricProvider
from great_expectations.expectations.metrics.map_metric_provider.multicolumn_condition_partial import (
    multicolumn_condition_partial,
)

from pipelines.validation.shared_rules import SHARED_RULE_TYPE

_METRIC = "multicolumn_values.keep_shared_rule"


class MulticolumnValuesKeepSharedRule(MulticolumnMapMetricProvider):  # type: ignore[misc]  # GX ships no types to us
    """Whether each row keeps the rule in all of the columns."""

    condition_metric_name = _METRIC
    condition_domain_keys = (
        "batch_id",
        "table",
        "column_list",
        "row_condition",
        "condition_parser",
        "ignore_row_if",
    )
    condition_value_keys = ("min_value", "max_value", "is_required")

    @multicolumn_condition_partial(engine=PandasExecutionEngine)  # type: ignore[untyped-decorator]
    def _pandas(
        cls,  # noqa: N805  # the decorator makes it a class method
        column_list: pd.DataFrame,
        min_value: float | None = None,
        max_value: float | None = None,
        is_required: bool = False,
        **_: object,
    ) -> pd.Series:
        is_kept = np.ones(len(column_list), dtype=bool)
        for name in column_list.columns:
            values = column_list[name]
            if is_required:
                is_kept &= values.notna().to_numpy(dtype=bool)
            # Comparisons with null are false, and null passes.
            if min_value is not None:
                is_kept &= ~(values < min_value).to_numpy(dtype=bool)
            if max_value is not None:
                is_kept &= ~(values > max_value).to_numpy(dtype=bool)
        return pd.Series(is_kept, index=column_list.index)


class ExpectMulticolumnValuesToKeepSharedRule(MulticolumnMapExpectation):  # type: ignore[misc]
    """Expect all columns of the list to lie in ``[min_value, max_value]``, and to be given if ``is_required``."""

    min_value: float | None = None
    max_value: float | None = None
    is_required: bool = False
    ignore_row_if: str = "never"

    map_metric: ClassVar[str] = _METRIC
    success_keys: ClassVar[tuple[str, ...]] = ("mostly", "min_value", "max_value", "is_required")
    args_keys: ClassVar[tuple[str, ...]] = ("column_list", "min_value", "max_value", "is_required")


assert ExpectMulticolumnValuesToKeepSharedRule.expectation_type == SHARED_RULE_TYPE

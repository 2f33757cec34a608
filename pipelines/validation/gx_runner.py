"""Run an expectation suite over one table. A door: only here and in ``data_docs`` lives Great Expectations.

It is imported on first use, because that takes seconds. Telemetry and progress bars are off.
"""

import functools
import importlib
import logging
import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Protocol

import pandas as pd

from pipelines.validation.expectations import Expectation

if TYPE_CHECKING:
    from great_expectations.core import ExpectationSuite

log = logging.getLogger(__name__)

# Rows at fault beyond this are counted, not listed.
MOST_EXAMPLES = 5


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What Great Expectations said of one expectation.

    ``rows`` are positions in the table, ascending, only where the expectation failed and is about
    rows; ``examples`` are some of the values there. ``crash`` says why it could not run.
    """

    rule: str
    is_met: bool
    crash: str | None = None
    rows: tuple[int, ...] = ()
    examples: tuple[str, ...] = ()
    observed: int | None = None


@functools.cache
def load_great_expectations() -> ModuleType:
    """Import Great Expectations with telemetry off."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its import uses deprecated modules of the standard library
        module = importlib.import_module("great_expectations")
    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    return module

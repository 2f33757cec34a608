"""The gate that every raw_, core_ and out_ dataset passes: its contract, checked by Great Expectations."""

from pipelines.validation.gate import Validated, validate_day
from pipelines.validation.gx_data_docs import build_data_docs

__all__ = ["Validated", "build_data_docs", "validate_day"]

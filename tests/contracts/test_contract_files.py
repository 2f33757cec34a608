"""The contract files are real ODCS, agree with themselves, with the code and with their golden forms."""

import dataclasses
import datetime as dt
import io
import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from data_contracts.arrow_schema import arrow_type, schema_of
from data_contracts.docs_page import render_contracts_page
from data_contracts.loader import (
    FOLDER,
    ContractFileError,
    contract_digest,
    list_contracts,
    load_contract,
    read_contract,
)
from data_contracts.model import InRange
from features.signals import load_signals
from pipelines.lake import encode_parquet
from pipelines.validation.expectations import compile_suite
from tests.factories import make_valid_table

PROJECT = Path(__file__).parents[2]
LINTER = PROJECT / ".venv-contract-lint" / "bin" / "datacontract"
FILES = sorted(FOLDER.glob("*.odcs.yaml"))


def test_these_datasets_have_a_contract() -> None:
    assert list_contracts() == [
        "core_dimm_days",
        "core_drive_days",
        "core_failures",
        "core_gpu_days",
        "core_host_days",
        "core_model_population",
        "out_at_risk_hosts",
        "out_predictions",
        "raw_drive_smart",
        "raw_failures",
        "raw_host_metrics",
        "raw_hw_events",
        "raw_inventory",
        "raw_outcomes",
    ]


def test_an_independent_linter_takes_every_file_for_odcs() -> None:
    assert LINTER.is_file(), (
        f"{LINTER} is missing: python3 -m venv .venv-contract-lint && "
        ".venv-contract-lint/bin/pip install --no-deps --require-hashes -r requirements-contract-lint.lock"
    )

    def lint(path: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [LINTER, "lint", path], capture_output=True, text=True, timeout=120, check=False
        )

    with ThreadPoolExecutor(max_workers=2) as pool:
        results = list(pool.map(lint, FILES))
    assert [r.stdout for r in results if r.returncode != 0 or "warning" in r.stdout] == []


@pytest.mark.parametrize("dataset", list_contracts())
def test_the_suite_is_the_reviewed_one(dataset: str, golden: Callable[[str, str], None]) -> None:
    expectations = [dataclasses.asdict(each) for each in compile_suite(load_contract(dataset)).expectations]
    golden(f"suites/{dataset}.json", json.dumps(expectations, indent=1, ensure_ascii=False) + "\n")


def test_the_docs_page_is_what_the_contracts_say(request: pytest.FixtureRequest) -> None:
    page = render_contracts_page([load_contract(dataset) for dataset in list_contracts()])
    path = PROJECT / "docs" / "contracts.md"
    if request.config.getoption("--rewrite-golden"):
        path.write_text(page, "utf-8")
    assert path.read_text("utf-8") == page, "write it anew: pytest tests/contracts --rewrite-golden"


@pytest.mark.parametrize("dataset", list_contracts())
@hypothesis_settings(max_examples=10, deadline=None)
@given(n_rows=st.integers(0, 40), seed=st.integers(0, 2**32 - 1))
def test_parquet_round_trips_keep_the_contracts_types(dataset: str, n_rows: int, seed: int) -> None:
    table = make_valid_table(dataset, n_rows, dt.date(2026, 2, 1), seed)
    back = pq.read_table(io.BytesIO(encode_parquet(table)))
    assert back.schema.remove_metadata().equals(schema_of(load_contract(dataset)))
    assert back.equals(table)


def test_core_drive_days_has_a_column_for_each_signal_in_its_order() -> None:
    contract = load_contract("core_drive_days")
    kinds = {"counter": "int64", "gauge": "float32"}
    signals = [(signal.name, kinds[signal.kind]) for signal in load_signals()]
    first, last = signals[0][0], signals[-1][0]
    names = [column.name for column in contract.columns]
    columns = contract.columns[names.index(first) : names.index(last) + 1]
    assert [(column.name, column.physical_type) for column in columns] == signals


def test_what_the_decoder_lets_through_is_within_the_contract() -> None:
    ranges = {
        r.column: r.check for r in load_contract("core_drive_days").rules if isinstance(r.check, InRange)
    }
    for signal in load_signals():
        assert ranges[signal.name].maximum is not None
        assert signal.upper_bound <= ranges[signal.name].maximum


def test_raw_drive_smart_has_a_column_for_each_source_of_a_signal() -> None:
    columns = {column.name for column in load_contract("raw_drive_smart").columns}
    assert {source.column for signal in load_signals() for source in signal.sources} <= columns


@pytest.mark.parametrize("dataset", list_contracts())
def test_every_rule_says_why(dataset: str) -> None:
    for rule in load_contract(dataset).rules:
        assert len(rule.reason) > 20, rule.key


def test_the_digest_is_of_the_files_bytes() -> None:
    import hashlib

    data = (FOLDER / "core_failures.odcs.yaml").read_bytes()
    assert contract_digest("core_failures") == hashlib.sha256(data).hexdigest()


def test_an_unknown_dataset_names_those_that_exist() -> None:
    with pytest.raises(
        ContractFileError, match=r"'raw_drives' has no contract. Those that exist: core_dimm_days,"
    ):
        load_contract("raw_drives")


def test_everything_wrong_in_a_file_is_named_at_once(tmp_path: Path) -> None:
    text = (FOLDER / "core_failures.odcs.yaml").read_text("utf-8")
    text = text.replace("        required: true\n        primaryKey: true", "        primaryKey: true", 1)
    text = text.replace("physicalType: uint64", "physicalType: varchar(8)")
    text = text.replace("properties: [component_id]", "properties: [component_nr]")
    path = tmp_path / "core_failures.odcs.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(ContractFileError) as refused:
        read_contract(path)
    assert str(refused.value) == (
        "core_failures.odcs.yaml has 5 problem(s):\n"
        "  - component_key: physicalType 'varchar(8)' is not known to arrow_schema\n"
        "  - component_id: `required` and a rule that nulls block or quarantine go together\n"
        "  - component_id: a key column is required\n"
        "  - the primary key needs a duplicateValues rule of exactly its columns\n"
        "  - one_row_per_failure: no column component_nr\n"
        "Nothing was checked with it."
    )


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("severity: warn", "severity: shrug", "severity"),
        ("check: withinLatency", "check: inTime", "implementation.check"),
        (
            "metric: duplicateValues",
            "metric: rowCount",
            "one_row_per_failure: metric, operator and arguments",
        ),
        ("status: active", "state: active", "state: Extra inputs"),
        (
            "name: core_failures\n    phys",
            "name: core_failure\n    phys",
            "the file is named for core_failures",
        ),
        ("property: latency", "property: frequency", "one latency"),
        ("kind: DataContract", "kind: [", "not valid YAML"),
    ],
)
def test_a_file_that_says_something_else_is_refused(old: str, new: str, problem: str, tmp_path: Path) -> None:
    text = (FOLDER / "core_failures.odcs.yaml").read_text("utf-8")
    assert old in text
    path = tmp_path / "core_failures.odcs.yaml"
    path.write_text(text.replace(old, new), "utf-8")
    with pytest.raises(ContractFileError) as refused:
        read_contract(path)
    assert problem in str(refused.value)


def test_a_partition_column_has_the_type_that_readers_infer() -> None:
    assert str(arrow_type("dictionary<string>")) == "dictionary<values=string, indices=int32, ordered=0>"


def test_importing_the_gate_does_not_import_great_expectations() -> None:
    code = "import sys, pipelines.validation; sys.exit('great_expectations' in sys.modules or 'pandas' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=PROJECT)

"""What becomes of a day: which rows flow, what is set aside, what is stored, and what a person reads."""

import dataclasses
import datetime as dt

import pyarrow as pa
import pytest

from data_contracts.arrow_schema import schema_of
from data_contracts.loader import load_contract
from data_contracts.model import InRange, Matches, Rule, Severity
from pipelines.errors import ContractBlockedError
from pipelines.lake import Lake
from pipelines.validation import validate_day
from pipelines.verdicts import (
    RuleOutcome,
    VerdictWord,
    read_day_verdicts,
    read_latest_verdicts,
    read_verdict,
    read_verdict_rows,
)
from tests.factories import make_valid_table, with_values

DAY = dt.date(2026, 2, 1)
RAW = load_contract("raw_drive_smart")


def raw_table(n_rows: int = 100) -> pa.Table:
    return make_valid_table("raw_drive_smart", n_rows, DAY)


def quarantined(lake: Lake, dataset: str = "raw_drive_smart", part: str = "00") -> dict[str, str]:
    rows = lake.read_day(f"quarantine/{dataset}", DAY, part=part)
    return dict(zip(rows["serial_number"].to_pylist(), rows["quarantine_reason"].to_pylist(), strict=True))


def store_keys(lake: Lake) -> set[str]:
    return {item.key for item in lake.store.list_keys("")}


def test_rows_that_flow_on_have_the_contracts_schema_and_order(lake: Lake) -> None:
    table = raw_table()
    shuffled = table.select(sorted(table.schema.names))
    validated = validate_day(RAW, shuffled, DAY, lake)
    assert validated.table.schema.equals(schema_of(RAW))
    assert validated.table.equals(table)


def test_a_quarantined_row_is_stored_with_the_value_and_the_rule(lake: Lake) -> None:
    table = with_values(raw_table(), "smart_5_raw", {3: -5})
    validated = validate_day(RAW, table, DAY, lake)
    assert validated.n_quarantined == 1
    assert validated.table.num_rows == 99
    assert validated.quarantine_key == "quarantine/raw_drive_smart/day=2026-02-01/part-00.parquet"
    assert quarantined(lake) == {
        "serial_number-000003": "broken rule: smart_5_raw lies in 0 to 2^48 (it is -5)"
    }


def test_a_row_that_breaks_two_rules_is_set_aside_once_with_both_reasons(lake: Lake) -> None:
    table = with_values(with_values(raw_table(), "smart_5_raw", {3: -5}), "model", {3: None})
    validated = validate_day(RAW, table, DAY, lake)
    assert validated.n_quarantined == 1
    reason = quarantined(lake)["serial_number-000003"]
    assert "model is never null" in reason
    assert "smart_5_raw lies in" in reason


def test_of_exact_copies_the_first_flows_on(lake: Lake) -> None:
    table = raw_table()
    doubled = pa.concat_tables([table, table.slice(4, 1), table.slice(4, 1)])
    validated = validate_day(RAW, doubled, DAY, lake)
    assert validated.n_quarantined == 2
    assert validated.table.equals(table)
    assert quarantined(lake) == {"serial_number-000004": "exact copy of a row with the same serial_number"}


def test_copies_that_differ_only_in_where_they_came_from_are_copies(lake: Lake) -> None:
    table = raw_table()
    other_source = with_values(table.slice(4, 1), "source", {0: "elsewhere"})
    validated = validate_day(RAW, pa.concat_tables([table, other_source]), DAY, lake)
    assert validated.table.equals(table)


def test_rows_that_contradict_each_other_all_go(lake: Lake) -> None:
    table = raw_table()
    other = with_values(table.slice(4, 1), "smart_9_raw", {0: 77_777})
    validated = validate_day(RAW, pa.concat_tables([table, table.slice(4, 1), other]), DAY, lake)
    assert validated.n_quarantined == 3
    assert "serial_number-000004" not in validated.table["serial_number"].to_pylist()
    assert quarantined(lake) == {"serial_number-000004": "contradicts a row with the same serial_number"}


def test_more_quarantined_rows_than_the_limit_block_the_day(lake: Lake) -> None:
    five = with_values(raw_table(), "smart_5_raw", dict.fromkeys(range(5), -1))
    assert validate_day(RAW, five, DAY, lake).verdict is VerdictWord.QUARANTINED
    six = with_values(raw_table(), "smart_5_raw", dict.fromkeys(range(6), -1))
    with pytest.raises(ContractBlockedError, match=r"at most 5 % of the rows are set aside: 6 of 100 rows"):
        validate_day(RAW, six, DAY, lake)
    assert len(quarantined(lake)) == 6


def test_a_warning_lets_every_row_flow_and_is_in_the_verdict(lake: Lake) -> None:
    table = with_values(raw_table(), "capacity_bytes", {0: -1, 7: -1})
    validated = validate_day(RAW, table, DAY, lake)
    assert validated.verdict is VerdictWord.WARNED
    assert validated.table.num_rows == 100
    verdict = read_verdict(lake, "raw_drive_smart", DAY)
    assert verdict is not None
    (broken,) = verdict.broken_rules
    assert (broken.rule, broken.n_rows_at_fault, broken.examples) == (
        "capacity_bytes.positive",
        2,
        ("-1", "-1"),
    )


def test_a_clean_run_removes_what_an_earlier_one_set_aside(lake: Lake) -> None:
    table = raw_table()
    validate_day(RAW, with_values(table, "smart_5_raw", {3: -5}), DAY, lake)
    with pytest.raises(ContractBlockedError):
        validate_day(RAW, table.slice(0, 0), DAY, lake)
    validate_day(RAW, table, DAY, lake)
    assert store_keys(lake) == {"verdicts/raw_drive_smart/day=2026-02-01/part-00.json"}


def test_a_second_run_writes_the_same_bytes(lake: Lake) -> None:
    table = with_values(raw_table(), "smart_5_raw", {3: -5})
    validate_day(RAW, table, DAY, lake, usual_rows=100)
    first = {key: lake.store.read(key) for key in store_keys(lake)}
    validate_day(RAW, table, DAY, lake, usual_rows=100)
    assert {key: lake.store.read(key) for key in store_keys(lake)} == first


def test_parts_of_one_day_do_not_touch_each_other(lake: Lake) -> None:
    table = raw_table()
    validate_day(RAW, with_values(table, "smart_5_raw", {3: -5}), DAY, lake, part="drives")
    validate_day(RAW, table, DAY, lake, part="more")
    assert set(quarantined(lake, part="drives")) == {"serial_number-000003"}
    words = [(verdict.part, verdict.verdict) for verdict in read_latest_verdicts(lake, "raw_drive_smart")]
    assert words == [("drives", VerdictWord.QUARANTINED), ("more", VerdictWord.PASSED)]


def test_a_blocked_day_keeps_the_verdict_of_what_was_published(lake: Lake) -> None:
    validate_day(RAW, raw_table(), DAY, lake)
    with pytest.raises(ContractBlockedError):
        validate_day(RAW, raw_table(9), DAY, lake, usual_rows=100)
    assert read_verdict_rows(lake, "raw_drive_smart", DAY) == 100
    (latest,) = read_day_verdicts(lake, DAY, ("raw_drive_smart", "raw_inventory"))
    assert latest.verdict is VerdictWord.BLOCKED
    assert latest.n_rows == 9


def test_a_day_with_a_tenth_of_the_usual_rows_is_blocked_and_says_so(lake: Lake) -> None:
    with pytest.raises(ContractBlockedError) as blocked:
        validate_day(RAW, raw_table(10), DAY, lake, usual_rows=100)
    assert str(blocked.value) == (
        "raw_drive_smart of 2026-02-01 breaks 1 rule of its contract:\n"
        "  - at least half of the usual rows: 10 rows, usually 100\n"
        "Nothing was published. No single row is at fault.\n"
        "Fix the source or data_contracts/raw_drive_smart.odcs.yaml, then re-run that day: "
        "prefail ingest --day 2026-02-01"
    )
    assert blocked.value.facts["rules"] == ("half_of_usual",)


def test_without_a_usual_count_the_volume_is_not_checked(lake: Lake) -> None:
    validated = validate_day(RAW, raw_table(10), DAY, lake)
    outcomes = {result.rule: result.result for result in validated.rules}
    assert outcomes["half_of_usual"] is RuleOutcome.NOT_CHECKED
    assert outcomes["twice_usual"] is RuleOutcome.NOT_CHECKED
    assert validated.verdict is VerdictWord.PASSED


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda table: table.drop_columns(["model"]), "model (string) is missing"),
        (lambda table: table.append_column("colour", table["model"]), "colour is not in the contract"),
        (lambda table: table.append_column("model", table["model"]), "model is there 2 times"),
        (
            lambda table: table.set_column(1, "model", table["model"].cast(pa.large_string())),
            "model is large_string, not string",
        ),
        (
            lambda table: table.set_column(40, "known_at", table["known_at"].cast(pa.timestamp("us"))),
            "known_at is timestamp[us], not timestamp[us, tz=UTC]",
        ),
    ],
    ids=["missing", "unknown", "doubled", "type", "zone"],
)
def test_a_table_of_another_schema_is_blocked_before_its_values_are_read(change, fault, lake: Lake) -> None:
    with pytest.raises(ContractBlockedError) as blocked:
        validate_day(RAW, change(raw_table()), DAY, lake)
    assert f"columns and types are those of the contract: {fault}" in str(blocked.value)
    assert lake.read_day("quarantine/raw_drive_smart", DAY)["quarantine_reason"][0].as_py() == fault


@pytest.mark.parametrize("severity", list(Severity))
@pytest.mark.parametrize(
    "check", [Matches(pattern="("), InRange(minimum=0)], ids=["at the top", "one level down"]
)
def test_a_rule_that_could_not_run_blocks_whatever_its_severity(
    severity: Severity, check, lake: Lake
) -> None:
    rule = Rule(
        rule_id="odd", column="model", name="is odd", reason="A test.", severity=severity, check=check
    )
    contract = dataclasses.replace(RAW, rules=(*RAW.rules, rule))
    with pytest.raises(ContractBlockedError, match=r"model is odd: could not run \(.+\)"):
        validate_day(contract, raw_table(), DAY, lake)
    verdict = read_verdict(lake, "raw_drive_smart", DAY, attempt="blocked")
    assert verdict is not None
    assert [(r.rule, r.result) for r in verdict.broken_rules] == [("model.odd", RuleOutcome.COULD_NOT_RUN)]


def test_what_blocks_a_day_is_stored_up_to_ten_thousand_rows(lake: Lake) -> None:
    table = make_valid_table("core_model_population", 10_500, DAY)
    bad = with_values(table, "n_components", dict.fromkeys(range(10_400), 0))
    with pytest.raises(ContractBlockedError) as blocked:
        validate_day(load_contract("core_model_population"), bad, DAY, lake)
    assert "n_components is above zero: 10,400 of 10,500 rows (e.g. 0, 0, 0)" in str(blocked.value)
    assert "prefail build --day 2026-02-01" in str(blocked.value)
    assert lake.read_day("quarantine/core_model_population", DAY).num_rows == 10_000


def test_a_list_without_rows_passes(lake: Lake) -> None:
    table = make_valid_table("out_at_risk_hosts", 0, DAY)
    validated = validate_day(load_contract("out_at_risk_hosts"), table, DAY, lake)
    assert validated.verdict is VerdictWord.PASSED


def test_a_drive_that_reports_nothing_but_its_name_passes(lake: Lake) -> None:
    table = raw_table()
    required = {column.name for column in RAW.columns if column.is_required}
    bare = pa.table(
        {
            field.name: table[field.name] if field.name in required else pa.nulls(100, field.type)
            for field in table.schema
        }
    )
    assert validate_day(RAW, bare, DAY, lake).verdict is VerdictWord.PASSED


def test_not_a_number_flows_on_as_null(lake: Lake) -> None:
    table = with_values(raw_table(), "temperature_celsius", {0: float("nan"), 1: 35.0})
    flowing = validate_day(RAW, table, DAY, lake).table["temperature_celsius"]
    assert flowing[0].as_py() is None
    assert flowing[1].as_py() == 35.0


def test_not_a_number_is_no_value_for_a_required_column(lake: Lake) -> None:
    table = with_values(make_valid_table("out_at_risk_hosts", 20, DAY), "host_risk", {3: float("nan")})
    with pytest.raises(ContractBlockedError, match=r"host_risk is never null: 1 of 20 rows"):
        validate_day(load_contract("out_at_risk_hosts"), table, DAY, lake)

"""The list is decided by risk and id alone, and a host's risk by its components alone."""

import datetime as dt
import math

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.roll_up import due_day, list_at_risk, roll_up_risks


def predictions(*rows: tuple[str, str, float | None]) -> pa.Table:
    """One row per component: component_id, host_id, risk."""
    return pa.table(
        {
            "component_id": pa.array([row[0] for row in rows], pa.string()),
            "host_id": pa.array([row[1] for row in rows], pa.string()),
            "target": pa.array(["drive_fails_30d"] * len(rows), pa.string()),
            "risk": pa.array([row[2] for row in rows], pa.float64()),
            "rank": pa.array([None] * len(rows), pa.int32()),
        }
    )


fleets = st.lists(
    st.tuples(
        st.sampled_from("abcdefgh"),
        st.sampled_from(["h1", "h2", "h3"]),
        st.none() | st.sampled_from([0.0, 0.02, 0.1, 0.1, 0.5, 1.0]) | st.floats(0, 1),
    ),
    max_size=8,
    unique_by=lambda row: row[0],
)


def test_equal_risks_rank_by_component_id() -> None:
    listed = list_at_risk(
        predictions(("c", "h1", 0.3), ("a", "h2", 0.3), ("b", "h3", 0.9)), length=2, minimum_risk=0.0
    )
    assert listed["component_id"].to_pylist() == ["b", "a"]
    assert listed["rank"].to_pylist() == [1, 2]


@given(fleets, st.randoms())
def test_the_order_of_rows_never_changes_the_list(
    rows: list[tuple[str, str, float | None]], random: object
) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)
    first = list_at_risk(predictions(*rows), length=4, minimum_risk=0.02)
    again = list_at_risk(predictions(*shuffled), length=4, minimum_risk=0.02)
    assert first.to_pylist() == again.to_pylist()


@given(fleets)
def test_nothing_unlisted_is_riskier_than_what_is_listed(rows: list[tuple[str, str, float | None]]) -> None:
    listed = list_at_risk(predictions(*rows), length=3, minimum_risk=0.02)
    names = set(listed["component_id"].to_pylist())
    left_out = [row[2] for row in rows if row[0] not in names and row[2] is not None and row[2] >= 0.02]
    assert len(listed) <= 3
    assert all(risk >= 0.02 for risk in listed["risk"].to_pylist())
    assert not left_out or (len(listed) == 3 and max(left_out) <= min(listed["risk"].to_pylist()))


@given(fleets)
def test_a_host_is_at_least_as_risky_as_its_riskiest_component(
    rows: list[tuple[str, str, float | None]],
) -> None:
    listed = list_at_risk(predictions(*rows), length=8, minimum_risk=0.0)
    for row in listed.to_pylist():
        of_host = [risk for _, host, risk in rows if host == row["host_id"] and risk is not None]
        expected = 1 - math.prod(1 - risk for risk in of_host)
        assert row["host_risk"] == pytest.approx(expected, abs=1e-12)
        assert max(of_host) - 1e-12 <= row["host_risk"] <= 1


def test_unlisted_components_count_for_the_risk_of_their_host() -> None:
    listed = list_at_risk(predictions(("a", "h", 0.5), ("b", "h", 0.01)), length=5, minimum_risk=0.02)
    assert listed["component_id"].to_pylist() == ["a"]
    assert listed["host_risk"].to_pylist() == pytest.approx([1 - 0.5 * 0.99])


def test_an_abstained_component_is_never_listed_and_adds_no_risk() -> None:
    listed = list_at_risk(predictions(("a", "h", 0.5), ("b", "h", None)), length=5, minimum_risk=0.0)
    assert listed["component_id"].to_pylist() == ["a"]
    assert listed["host_risk"].to_pylist() == [0.5]


def test_the_list_of_an_empty_fleet_is_empty() -> None:
    assert list_at_risk(predictions(), length=5, minimum_risk=0.0).num_rows == 0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.randoms())
def test_host_risk_is_the_same_to_the_last_bit_in_any_row_order(risks: list[float], random: object) -> None:
    shuffled = list(risks)
    random.shuffle(shuffled)

    def one_host(values: list[float]) -> float:
        return float(roll_up_risks(predictions(*((f"d{risk!r}", "h", risk) for risk in values)))[0])

    assert one_host(risks) == one_host(shuffled)


def of_kinds(*rows: tuple[str, str, str, float]) -> pa.Table:
    """One row per component and target: component_kind, component_id, target, risk; all on one host."""
    return pa.table(
        {
            "host_id": ["web-1"] * len(rows),
            "component_kind": [row[0] for row in rows],
            "component_id": [row[1] for row in rows],
            "target": [row[2] for row in rows],
            "risk": pa.array([row[3] for row in rows], pa.float64()),
        }
    )


def test_a_host_s_risk_counts_parts_of_every_kind_and_its_own() -> None:
    scored = of_kinds(
        ("drive", "Z1", "drive_fails_30d", 0.1),
        ("dimm", "web-1/A1", "dimm_fails_30d", 0.2),
        ("host", "web-1", "host_fails_30d", 0.3),
    )
    assert roll_up_risks(scored) == pytest.approx([1 - 0.9 * 0.8 * 0.7] * 3)


def test_a_part_that_two_targets_speak_of_counts_once_with_the_higher_risk() -> None:
    scored = of_kinds(
        ("drive", "Z1", "drive_fails_30d", 0.1),
        ("drive", "Z1", "drive_fails_7d", 0.4),
        ("drive", "Z2", "drive_fails_30d", 0.5),
    )
    assert roll_up_risks(scored) == pytest.approx([1 - 0.6 * 0.5] * 3)


def test_kinds_stand_in_one_order_by_risk() -> None:
    scored = of_kinds(
        ("drive", "Z1", "drive_fails_30d", 0.1),
        ("dimm", "web-1/A1", "dimm_fails_30d", 0.2),
        ("host", "web-1", "host_fails_30d", 0.15),
    )
    listed = list_at_risk(scored, length=2, minimum_risk=0.02)
    assert listed["component_kind"].to_pylist() == ["dimm", "host"]
    assert listed["rank"].to_pylist() == [1, 2]


@pytest.mark.parametrize(
    ("lead", "horizon", "days"), [(1, 30, 8), (0, 30, 7), (1, 2, 2), (7, 14, 8), (1, 90, 23)]
)
def test_due_is_a_quarter_into_the_window(lead: int, horizon: int, days: int) -> None:
    day = dt.date(2026, 2, 1)
    assert due_day(day, lead_days=lead, horizon_days=horizon) == day + dt.timedelta(days=days)

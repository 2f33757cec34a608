"""What to check first, and that the playbook speaks of signals that exist."""

from pathlib import Path
from typing import get_args

import pytest
import yaml
from hand_made_fleet import make_reason
from pydantic import ValidationError

import features
from features.evidence import Reason
from pipelines.tickets.playbook import Playbook, choose_check_first, load_playbook
from pipelines.tickets.policy_document import CauseKind

ADVICE = {rule.name: rule.check_first for rule in load_playbook().rules}
DRIVE_DEFAULT = load_playbook().defaults["drive"]


def test_cable_comes_before_drive_where_only_interface_crc_errors_rise() -> None:
    steady = make_reason("reallocated_sectors", now=8.0, before_7d=8.0, before_30d=8.0)
    assert choose_check_first([make_reason("interface_crc_errors"), steady]) == ADVICE["cable_before_drive"]


def test_a_bad_sector_beside_crc_errors_is_not_blamed_on_the_cable() -> None:
    evidence = [make_reason("interface_crc_errors"), make_reason("pending_sectors")]
    assert choose_check_first(evidence) == ADVICE["data_at_risk"]


@pytest.mark.parametrize("signal", sorted(load_playbook().ignored))
def test_what_grows_with_mere_use_decides_nothing(signal: str) -> None:
    evidence = [make_reason("interface_crc_errors"), make_reason(signal)]
    assert choose_check_first(evidence) == ADVICE["cable_before_drive"]
    assert choose_check_first([make_reason(signal)]) == DRIVE_DEFAULT


@pytest.mark.parametrize(
    ("now", "before_7d", "before_30d", "rule"),
    [
        (5.0, 5.0, 4.0, "surface_wears"),
        (5.0, 4.0, None, "surface_wears"),
        (5.0, None, 4.0, "surface_wears"),
        (5.0, 5.0, 5.0, None),
        (0.0, 5.0, 5.0, None),
        (None, 4.0, 4.0, None),
        (5.0, None, None, None),
    ],
)
def test_a_counter_got_worse_if_it_is_higher_than_7_or_30_days_ago(
    now: float | None, before_7d: float | None, before_30d: float | None, rule: str | None
) -> None:
    evidence = [make_reason("reallocated_sectors", now=now, before_7d=before_7d, before_30d=before_30d)]
    assert choose_check_first(evidence) == (ADVICE[rule] if rule else DRIVE_DEFAULT)


def test_spare_capacity_got_worse_if_it_is_lower() -> None:
    falling = make_reason("available_spare_pct", now=9.0, before_7d=12.0, before_30d=40.0)
    rising = make_reason("available_spare_pct", now=12.0, before_7d=9.0, before_30d=9.0)
    assert choose_check_first([falling]) == ADVICE["flash_worn_out"]
    assert choose_check_first([rising]) == DRIVE_DEFAULT


def test_no_evidence_gets_the_default() -> None:
    assert choose_check_first([]) == DRIVE_DEFAULT


def test_a_module_is_reseated_before_it_is_replaced_where_only_corrected_errors_rise() -> None:
    few = [make_reason("corrected_errors"), make_reason("distinct_columns")]
    assert choose_check_first(few, component_kind="dimm") == ADVICE["reseat_before_replacing"]
    spread = [*few, make_reason("distinct_banks")]
    assert choose_check_first(spread, component_kind="dimm") == ADVICE["memory_spreads"]
    uncorrected = [*spread, make_reason("uncorrected_errors")]
    assert choose_check_first(uncorrected, component_kind="dimm") == ADVICE["memory_uncorrected"]


def test_a_signal_that_two_kinds_report_gets_the_advice_of_the_kind() -> None:
    retired = [make_reason("retired_pages")]
    assert choose_check_first(retired, component_kind="gpu") == ADVICE["gpu_memory"]
    assert choose_check_first(retired, component_kind="dimm") == ADVICE["memory_spreads"]


def test_a_kind_without_rules_of_its_own_gets_the_general_advice() -> None:
    assert choose_check_first([make_reason("fan_rpm_min")], component_kind="fan") == load_playbook().default


def test_every_rule_of_the_playbook_can_be_reached() -> None:
    reached = set()
    for rule in load_playbook().rules:
        for signal in rule.when_only or rule.when_any or ():
            worse = {"now": 1.0, "before_7d": 2.0} if signal in load_playbook().lower_is_worse else {}
            evidence: list[Reason] = [make_reason(signal, before_30d=None, **worse)]
            reached.add(choose_check_first(evidence, component_kind=rule.kind))
    assert reached == set(ADVICE.values())


def test_every_advice_leads_back_to_its_name() -> None:
    playbook = load_playbook()
    assert {playbook.name_of(advice) for advice in ADVICE.values()} == set(ADVICE)
    assert playbook.name_of(playbook.defaults["gpu"]) == "gpu_default"
    assert playbook.name_of("something else") is None


def test_every_kind_of_cause_has_its_advice() -> None:
    assert set(load_playbook().storms) == set(get_args(CauseKind))


def test_the_playbook_names_only_signals_that_the_kind_reports() -> None:
    folder = Path(str(features.__file__)).parent
    known = {"drive": folder / "drive_signals.yaml"}
    known |= {path.stem: path for path in (folder / "component_kinds").glob("*.yaml")}
    signals = {
        kind: {signal["name"] for signal in yaml.safe_load(path.read_text("utf-8"))["signals"]}
        for kind, path in known.items()
    }
    playbook = load_playbook()
    for rule in playbook.rules:
        assert (rule.when_only or rule.when_any or frozenset()) <= signals[rule.kind], rule.name
    assert playbook.ignored | playbook.lower_is_worse <= set().union(*signals.values())


@pytest.mark.parametrize("conditions", [{}, {"when_only": ["a"], "when_any": ["a"]}])
def test_a_rule_with_no_or_two_conditions_is_refused(conditions: dict[str, list[str]]) -> None:
    rule = {"name": "odd", "kind": "drive", "check_first": "x", **conditions}
    rest = {"ignored": [], "lower_is_worse": [], "default": "x", "defaults": {}, "storms": {}}
    with pytest.raises(ValidationError, match="rule odd needs one of when_only and when_any"):
        Playbook.model_validate({"version": 1, "rules": [rule], **rest})

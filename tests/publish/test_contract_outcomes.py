"""The report says of each dataset what flowed into the list, never of an attempt that changed nothing."""

import datetime as dt

from data_contracts.model import Severity
from features.target import load_target
from pipelines.contract_outcomes import read_outcomes
from pipelines.lake import Lake
from pipelines.settings import Settings, SourceSettings
from pipelines.verdicts import RuleOutcome, RuleResult, Verdict, VerdictWord, write_verdict

DAY = dt.date(2026, 2, 1)
SETTINGS = Settings(sources=(SourceSettings(name="drives", kind="drive_stats"),))

TARGETS = (load_target("drive_fails_30d"),)


def verdict(dataset: str, word: VerdictWord, part: str = "00", **changes: object) -> Verdict:
    values: dict[str, object] = {
        "n_rows": 9120,
        "n_quarantined": 0,
        "usual_rows": None,
        "contract_version": "1.0.0",
        "contract_sha256": "0",
        "rules": (),
    }
    return Verdict(dataset=dataset, day=DAY, part=part, verdict=word, **{**values, **changes})


def test_rows_set_aside_and_broken_rules_are_said(lake: Lake) -> None:
    broken = RuleResult(
        rule="day.not_null",
        claim="day is never null",
        severity=Severity.QUARANTINE,
        result=RuleOutcome.FAILED,
        n_rows_at_fault=14,
    )
    write_verdict(
        lake,
        verdict("raw_drive_smart", VerdictWord.QUARANTINED, "drives", n_quarantined=14, rules=(broken,)),
    )
    (outcome,) = read_outcomes(DAY, TARGETS, SETTINGS, lake)
    assert outcome.dataset == "raw_drive_smart from drives"
    assert outcome.verdict == "quarantined"
    assert outcome.detail == "9,120 rows; 14 set aside; day is never null: 14 rows"
    assert outcome.link == f"../../../verdicts/raw_drive_smart/day={DAY}/part-drives.json"


def test_a_blocked_attempt_after_the_data_flowed_does_not_hide_its_verdict(lake: Lake) -> None:
    write_verdict(lake, verdict("core_drive_days", VerdictWord.PASSED))
    write_verdict(lake, verdict("core_drive_days", VerdictWord.BLOCKED))
    assert [outcome.verdict for outcome in read_outcomes(DAY, TARGETS, SETTINGS, lake)] == ["passed"]


def test_a_link_leads_from_the_report_to_a_verdict_that_is_there(lake: Lake) -> None:
    key = write_verdict(lake, verdict("core_drive_days", VerdictWord.PASSED))
    (outcome,) = read_outcomes(DAY, TARGETS, SETTINGS, lake)
    assert outcome.link == "../../../" + key

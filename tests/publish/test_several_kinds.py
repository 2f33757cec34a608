"""Components of several kinds share one list, and a source that is down costs only those that it feeds."""

import dataclasses
import datetime as dt
import logging
import shutil

import pytest

from pipelines.errors import MissingInputError, ModelRefusedError, VerificationError
from pipelines.lake import Lake
from pipelines.object_store import FolderStore
from pipelines.publish import publish_day
from pipelines.published_list import CSV_FILE, REPORT_FILE, day_folder, read_day_manifest
from pipelines.realised_rates import RealisedRates, write_realised_rates
from pipelines.score import score_day
from pipelines.step_facts import StepFacts
from pipelines.target_scorers import open_target_scorers
from pipelines.verify import verify_list

from .fleet import DAY, LONG_BAD, TARGET, WORSENING, Fleet
from .hand_made_report import rate
from .several_kinds import (
    DIMMS,
    ERRING,
    ERRING_HOST,
    HOSTS,
    SOURCES,
    remove_day,
    take_away,
    write_source_day,
)

BY_RULE = "scored by the declared rule: 0 failures are known, 30 are needed"


@pytest.fixture
def fleet(several: Fleet) -> Fleet:
    """Return what the tests of this file are about, in place of the drives alone."""
    return several


@pytest.fixture(scope="module")
def whole(several_once: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    """Return the fleet with its list published, for tests that only read."""
    root = tmp_path_factory.mktemp("whole") / "lake"
    shutil.copytree(several_once.lake.store.root, root)
    fleet = dataclasses.replace(several_once, lake=Lake(FolderStore(root)))
    score(fleet)
    publish(fleet)
    return fleet


def score(fleet: Fleet, day: dt.date = DAY) -> StepFacts:
    return score_day(day, fleet.settings, fleet.lake, model_id=fleet.model_id)


def publish(fleet: Fleet) -> StepFacts:
    return publish_day(DAY, fleet.settings, fleet.lake)


def predictions(fleet: Fleet) -> dict[tuple[str, str], dict[str, object]]:
    """Rows of out_predictions by target and component."""
    rows = fleet.lake.read_day("out_predictions", DAY).to_pylist()
    return {(row["target"], row["component_id"]): row for row in rows}


def reasons_of(fleet: Fleet, kind: str) -> dict[str, object]:
    rows = predictions(fleet).values()
    return {
        str(row["component_id"]): row["abstention_reason"] for row in rows if row["component_kind"] == kind
    }


def page(fleet: Fleet) -> str:
    return fleet.lake.store.read(day_folder(DAY) + REPORT_FILE).decode()


def article(fleet: Fleet, component_id: str) -> str:
    """The report's section about one listed component."""
    (found,) = (part for part in page(fleet).split("<article")[1:] if f">{component_id}</span></h3>" in part)
    return found.partition("</article>")[0]


def test_parts_of_all_kinds_stand_on_one_list_in_order_of_risk(whole: Fleet) -> None:
    rows = whole.lake.read_day("out_at_risk_hosts", DAY).to_pylist()
    kinds = {row["component_id"]: row["component_kind"] for row in rows}
    assert kinds[WORSENING] == "drive"
    assert kinds[ERRING] == "dimm"
    risks = [row["risk"] for row in rows]
    assert risks == sorted(risks, reverse=True)
    (dimm,) = (row for row in rows if row["component_id"] == ERRING)
    assert 0.02 < dimm["risk"] <= 0.08, "the tier of a dozen errors a day"


def test_each_entry_says_what_scored_it(whole: Fleet) -> None:
    rows = {row["component_id"]: row for row in whole.lake.read_day("out_at_risk_hosts", DAY).to_pylist()}
    assert (rows[ERRING]["model_id"], rows[ERRING]["scored_by"]) == ("rule:dimm_fails_30d", BY_RULE)
    assert rows[WORSENING]["model_id"] == whole.model_id
    assert rows[WORSENING]["scored_by"] == "scored by a model trained on what was known by 2026-01-02"
    csv = whole.lake.store.read(day_folder(DAY) + CSV_FILE).decode()
    (line,) = (line for line in csv.splitlines() if ERRING in line)
    assert BY_RULE in line
    assert BY_RULE.capitalize() in article(whole, ERRING)


def test_the_risk_of_a_host_is_that_of_all_its_parts_and_its_own(whole: Fleet) -> None:
    rows = whole.lake.read_day("out_at_risk_hosts", DAY).to_pylist()
    (listed,) = (row for row in rows if row["component_id"] == ERRING)
    of_host = [row for row in predictions(whole).values() if row["host_id"] == ERRING_HOST]
    assert {row["component_kind"] for row in of_host} == {"drive", "dimm", "host"}
    survival = 1.0
    for row in of_host:
        survival *= 1.0 - float(str(row["risk"] or 0.0))
    assert listed["host_risk"] == pytest.approx(1 - survival)


def test_ranks_of_predictions_are_per_target(whole: Fleet) -> None:
    for target in ("drive_fails_30d", "dimm_fails_30d", "host_fails_30d"):
        ranks = [row["rank"] for (name, _), row in predictions(whole).items() if name == target]
        known = [rank for rank in ranks if rank is not None]
        assert sorted(known) == list(range(1, len(known) + 1))


def test_a_target_whose_kind_no_day_speaks_of_is_passed_over_and_named_in_the_log_line(fleet: Fleet) -> None:
    facts = score(fleet)
    assert facts.fact("without_components") == "gpu_fails_30d"
    assert "gpu_fails_30d" not in {target for target, _ in predictions(fleet)}
    publish(fleet)
    assert {used.target for used in read_day_manifest(DAY, fleet.lake).models} == {
        "drive_fails_30d",
        "dimm_fails_30d",
        "host_fails_30d",
    }


def test_the_evidence_of_a_quiet_morning_still_shows_last_week_s_errors(whole: Fleet) -> None:
    section = article(whole, ERRING)
    assert "Corrected errors in 90 days" in section
    assert "280" in section, "seven days of 40"


def test_the_report_shows_the_log_lines_of_the_part(whole: Fleet) -> None:
    section = article(whole, ERRING)
    assert "What the log said of this DIMM in the last 30 days" in section
    assert f"EDAC MC0: 40 CE memory read error on DIMM_A1 of {ERRING_HOST}" in section
    assert "1,200" in section, "thirty days of 40"
    assert "What the log said of its host" in article(whole, WORSENING), "no line names the drive"


def test_a_source_that_is_down_costs_the_components_that_it_feeds_and_the_list_says_so(
    fleet: Fleet, caplog: pytest.LogCaptureFixture
) -> None:
    take_away(fleet.lake, DAY, "logs-b")
    with caplog.at_level(logging.WARNING):
        facts = score(fleet)
        publish(fleet)

    down = {name for name in DIMMS if name.partition("/")[0] in SOURCES["logs-b"]}
    assert {name for name, reason in reasons_of(fleet, "dimm").items() if reason} == down
    assert set(reasons_of(fleet, "dimm").values()) == {None, "source_down"}
    assert {name for name, reason in reasons_of(fleet, "host").items() if reason} == set(SOURCES["logs-b"])
    assert "source_down" not in reasons_of(fleet, "drive").values()
    assert (facts.fact("sources_down"), facts.fact("abstained_for_them")) == ("logs-b", 6)

    sentence = (
        "source logs-b delivered nothing of 2026-02-01 (last: 2026-01-31): 4 DIMMs and 2 hosts abstained"
    )
    assert read_day_manifest(DAY, fleet.lake).outages == (sentence,)
    assert sentence in page(fleet)
    assert "source down" in page(fleet)
    assert [record.message for record in caplog.records] == [
        sentence,
        f"the list of 2026-02-01 is not whole: {sentence}",
    ]

    # It is made again to the byte, and names what was looked for in vain.
    verify_list(DAY, fleet.settings, fleet.lake)
    named = {item.key: item.sha256 for item in read_day_manifest(DAY, fleet.lake).inputs}
    assert named[f"raw_hw_events/day={DAY}/part-logs-a.parquet"] is not None
    assert named[f"raw_hw_events/day={DAY}/part-logs-b.parquet"] is None
    assert named[f"ingested/day={DAY}/part-logs-b.json"] is None
    assert named[f"core_model_population/day={DAY}/part-dimm.parquet"] is not None

    write_source_day(fleet.lake, DAY, "logs-b", SOURCES["logs-b"])
    with pytest.raises(VerificationError, match="was not there") as raised:
        verify_list(DAY, fleet.settings, fleet.lake)
    assert raised.value.facts["link"] == "input"


def test_a_kind_without_the_day_is_abstained_on_and_the_others_are_listed(fleet: Fleet) -> None:
    remove_day(fleet.lake, DAY)
    score(fleet)
    publish(fleet)
    assert set(reasons_of(fleet, "dimm")) == set(DIMMS)
    assert set(reasons_of(fleet, "dimm").values()) == {"source_down"}
    assert set(reasons_of(fleet, "host")) == set(HOSTS)
    listed = fleet.lake.read_day("out_at_risk_hosts", DAY)["component_id"].to_pylist()
    assert {WORSENING, LONG_BAD} <= set(listed)
    assert len(read_day_manifest(DAY, fleet.lake).outages) == 2
    verify_list(DAY, fleet.settings, fleet.lake)


def test_a_kind_that_was_not_built_though_its_sources_delivered_is_said_so(fleet: Fleet) -> None:
    fleet.lake.delete_day("core_dimm_days", DAY)
    score(fleet)
    publish(fleet)
    assert set(reasons_of(fleet, "dimm").values()) == {"no_data_today"}
    assert read_day_manifest(DAY, fleet.lake).outages == (
        "core_dimm_days of 2026-02-01 was not built (the log of that step says why): 8 DIMMs abstained",
    )


def test_drives_that_are_not_delivered_leave_the_other_kinds_their_list(fleet: Fleet) -> None:
    fleet.lake.delete_day("core_drive_days", DAY)
    score(fleet)
    publish(fleet)
    assert set(reasons_of(fleet, "drive").values()) == {"no_data_today"}
    listed = fleet.lake.read_day("out_at_risk_hosts", DAY)["component_id"].to_pylist()
    assert listed[0] == ERRING


def test_a_component_that_was_gone_for_a_week_is_no_longer_missed(fleet: Fleet) -> None:
    for days_ago in range(7):
        remove_day(fleet.lake, DAY - dt.timedelta(days=days_ago))
    facts = score(fleet)
    assert facts.fact("without_components") == "dimm_fails_30d,gpu_fails_30d,host_fails_30d"
    assert {target for target, _ in predictions(fleet)} == {"drive_fails_30d"}


def test_a_day_of_which_nothing_was_built_is_not_scored(fleet: Fleet) -> None:
    remove_day(fleet.lake, DAY)
    fleet.lake.delete_day("core_drive_days", DAY)
    fleet.lake.delete_day("out_predictions", DAY)
    with pytest.raises(
        MissingInputError, match=r"have no data of 2026-02-01\..*prefail build --day 2026-02-01"
    ):
        score(fleet)
    assert not fleet.lake.has_day("out_predictions", DAY)


def test_a_named_model_scores_its_own_target_and_the_others_keep_theirs(fleet: Fleet) -> None:
    scorers = open_target_scorers(fleet.settings, fleet.lake, model_id=fleet.model_id)
    assert {each.target.name: each.scorer.model_id for each in scorers} == {
        TARGET: fleet.model_id,
        "dimm_fails_30d": "rule:dimm_fails_30d",
        "gpu_fails_30d": "rule:gpu_fails_30d",
        "host_fails_30d": "rule:host_fails_30d",
    }
    only_dimms = fleet.settings.model_copy(update={"targets": ("dimm_fails_30d",)})
    with pytest.raises(ModelRefusedError, match=f"scores {TARGET}, which is not among the targets"):
        open_target_scorers(only_dimms, fleet.lake, model_id=fleet.model_id)


def test_the_report_says_what_became_of_earlier_tickets_and_names_where_it_read_it(fleet: Fleet) -> None:
    yesterday = DAY - dt.timedelta(days=1)
    write_realised_rates(
        RealisedRates(day=yesterday, first_day=yesterday - dt.timedelta(days=90), rates=(rate(),)),
        yesterday,
        fleet.lake,
    )
    score(fleet)
    publish(fleet)
    assert "What became of earlier tickets" in page(fleet)
    assert f"realised_rates/day={yesterday}/rates.json" in {
        item.key for item in read_day_manifest(DAY, fleet.lake).inputs
    }
    verify_list(DAY, fleet.settings, fleet.lake)

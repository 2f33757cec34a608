"""Publishing a day: what is said agrees with the data, and a list is visible whole or not at all."""

import dataclasses
import datetime as dt
import io
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.evidence import read_reasons
from pipelines.errors import ContractBlockedError, MissingInputError, StorageError
from pipelines.lake import Lake
from pipelines.object_store import FolderStore
from pipelines.publish import publish_day
from pipelines.published_list import (
    CSV_FILE,
    LIST_FILE,
    REPORT_FILE,
    day_folder,
    digest,
    read_day_manifest,
    read_file,
    read_latest,
)
from pipelines.verify import verify_list

from .fleet import DAY, LONG_BAD, NEWCOMER, SUDDEN, TARGET, WORSENING, Fleet, write_drive_days


def publish(fleet: Fleet, day: dt.date = DAY) -> None:
    publish_day(day, fleet.settings, fleet.lake)


def contents(fleet: Fleet) -> dict[str, bytes]:
    """Everything in the lake."""
    return {item.key: fleet.lake.store.read(item.key) for item in fleet.lake.store.list_keys("")}


def test_the_list_holds_the_drives_that_got_worse_and_says_why(fleet: Fleet) -> None:
    publish(fleet)
    rows = fleet.lake.read_day("out_at_risk_hosts", DAY).to_pylist()
    assert {row["component_id"] for row in rows} >= {WORSENING, SUDDEN, LONG_BAD}
    assert [row["rank"] for row in rows] == list(range(1, len(rows) + 1))
    (worsening,) = (row for row in rows if row["component_id"] == WORSENING)
    pending = {reason.signal: reason for reason in read_reasons(worsening["evidence"])}["pending_sectors"]
    assert (pending.now, pending.before_7d, pending.before_30d) == (40.0, 12.0, 0.0)
    assert pending.contribution > 0
    assert pending.percentile is not None
    assert pending.percentile > 80
    assert worsening["due_day"] == "2026-02-09"
    assert worsening["host_id"] == "host-1"
    assert worsening["check_first"]
    assert worsening["day"] == DAY.isoformat()


def test_host_risk_counts_every_scored_component_of_the_host(fleet: Fleet) -> None:
    publish(fleet)
    predictions = fleet.lake.read_day("out_predictions", DAY).to_pylist()
    for row in fleet.lake.read_day("out_at_risk_hosts", DAY).to_pylist():
        survival = 1.0
        for prediction in predictions:
            if prediction["host_id"] == row["host_id"] and prediction["risk"] is not None:
                survival *= 1 - prediction["risk"]
        assert row["host_risk"] == pytest.approx(1 - survival)


def test_what_was_not_scored_is_in_the_report_and_not_on_the_list(fleet: Fleet) -> None:
    publish(fleet)
    listed = fleet.lake.read_day("out_at_risk_hosts", DAY)["component_id"].to_pylist()
    page = fleet.lake.store.read(day_folder(DAY) + REPORT_FILE).decode()
    assert NEWCOMER not in listed
    not_scored = page[page.index('id="not-scored"') :]
    assert NEWCOMER in not_scored


def test_the_report_plots_each_reason_and_the_risk(fleet: Fleet) -> None:
    publish(fleet)
    page = fleet.lake.store.read(day_folder(DAY) + REPORT_FILE).decode()
    article = page[page.index('id="rank-1"') :]
    article = article[: article.index("</article>")]
    assert len(re.findall("<svg", article)) >= 2
    assert f"prefail verify --day {DAY}" in page


def test_the_manifest_names_every_file_and_input_with_its_digest(fleet: Fleet) -> None:
    publish(fleet)
    manifest = read_day_manifest(DAY, fleet.lake)
    for name in (LIST_FILE, CSV_FILE, REPORT_FILE):
        data = read_file(manifest, name, fleet.lake)
        assert manifest.file(name).size_bytes == len(data)
    assert pq.read_table(io.BytesIO(read_file(manifest, LIST_FILE, fleet.lake))).equals(
        fleet.lake.read_day("out_at_risk_hosts", DAY)
    )
    named = {item.key: item.sha256 for item in manifest.inputs}
    for key in (f"core_drive_days/day={DAY}/part-00.parquet", f"models/{fleet.model_id}/model.ubj"):
        assert named[key] == digest(fleet.lake.store.read(key))
    before_the_fleet = DAY - dt.timedelta(days=60)
    assert named[f"core_drive_days/day={before_the_fleet}/part-00.parquet"] is None
    assert not [key for key in named if key.startswith(("published/", "out_"))]
    (model,) = manifest.models
    assert model.sha256 == named[f"models/{fleet.model_id}/model.ubj"]
    assert {contract.dataset for contract in manifest.contracts} >= {"core_drive_days", "out_at_risk_hosts"}


def test_publishing_again_changes_not_one_byte_of_the_lake(fleet: Fleet) -> None:
    publish(fleet)
    before = contents(fleet)
    publish(fleet)
    assert contents(fleet) == before


def test_the_same_fleet_in_another_place_publishes_the_same_bytes(fleet: Fleet, fleet_once: Fleet) -> None:
    publish(fleet)
    again = Fleet(
        lake=Lake(FolderStore(fleet.lake.store.root + "-elsewhere")),
        settings=fleet.settings,
        model_id=fleet.model_id,
    )
    for item in fleet_once.lake.store.list_keys(""):
        again.lake.store.write(item.key, fleet_once.lake.store.read(item.key))
    publish(again)
    assert contents(again) == contents(fleet)


def test_a_replayed_older_day_is_published_and_latest_stays(fleet: Fleet) -> None:
    yesterday = DAY - dt.timedelta(days=1)
    publish(fleet)
    fleet.score(yesterday)
    facts = publish_day(yesterday, fleet.settings, fleet.lake)
    assert facts.fact("is_latest") is False
    latest = read_latest(fleet.lake)
    assert latest is not None
    assert latest.day == DAY
    assert read_day_manifest(yesterday, fleet.lake).day == yesterday


def test_an_empty_list_is_published_and_still_names_its_lookback(fleet: Fleet) -> None:
    nothing = fleet.settings.model_copy(
        update={"list": fleet.settings.list.model_copy(update={"minimum_risk": 1.0})}
    )
    facts = publish_day(DAY, nothing, fleet.lake)
    assert facts.fact("listed") == 0
    assert fleet.lake.read_day("out_at_risk_hosts", DAY).num_rows == 0
    manifest = read_day_manifest(DAY, fleet.lake)
    assert f"core_drive_days/day={DAY}/part-00.parquet" in {item.key for item in manifest.inputs}


def test_a_day_without_predictions_says_what_to_run(fleet: Fleet) -> None:
    with pytest.raises(MissingInputError, match="prefail score"):
        publish(fleet, DAY - dt.timedelta(days=20))


def test_predictions_of_data_that_is_gone_are_not_published(fleet: Fleet) -> None:
    predictions = fleet.lake.read_day("out_predictions", DAY)
    place = predictions.schema.get_field_index("component_id")
    renamed = ["GONE" if name == WORSENING else name for name in predictions["component_id"].to_pylist()]
    fleet.lake.write_day(
        "out_predictions", DAY, predictions.set_column(place, predictions.schema.field(place), [renamed])
    )
    with pytest.raises(
        MissingInputError, match=r"1 of 3 listed components .* prefail score --day 2026-02-01"
    ):
        publish(fleet)
    assert read_latest(fleet.lake) is None


def test_a_list_that_breaks_its_contract_is_withheld_and_the_old_one_stays(fleet: Fleet) -> None:
    publish(fleet)
    old = read_latest(fleet.lake)
    predictions = fleet.lake.read_day("out_predictions", DAY)
    fleet.lake.write_day("out_predictions", DAY, pa.concat_tables([predictions, predictions]))
    with pytest.raises(ContractBlockedError, match="Nothing was published"):
        publish(fleet)
    assert read_latest(fleet.lake) == old


def test_the_rule_publishes_as_a_model_does(fleet: Fleet) -> None:
    by_rule = dataclasses.replace(fleet, model_id=f"rule:{TARGET}")
    by_rule.score()
    publish(by_rule)
    rows = fleet.lake.read_day("out_at_risk_hosts", DAY).to_pylist()
    assert [row["component_id"] for row in rows] == [WORSENING, SUDDEN]
    assert {reason.signal for row in rows for reason in read_reasons(row["evidence"])} == {"pending_sectors"}
    (used,) = read_day_manifest(DAY, fleet.lake).models
    assert (used.model_id, used.sha256) == (f"rule:{TARGET}", None)
    assert verify_list(DAY, fleet.settings, fleet.lake).n_files == 3


class DyingStore(FolderStore):
    """A store whose process is killed at its nth write: that write and all later ones never happen."""

    def __init__(self, root: str, n_writes: int) -> None:
        super().__init__(root)
        self.n_left = n_writes

    def write(self, key: str, data: bytes, *, if_absent: bool = False, if_match: str | None = None) -> str:
        if not self.n_left:
            raise StorageError(f"killed before {key}", key=key)
        self.n_left -= 1
        return super().write(key, data, if_absent=if_absent, if_match=if_match)


@pytest.mark.parametrize("is_same_day", [False, True], ids=["next day", "same day, new data"])
def test_killed_at_any_write_the_old_list_stays_whole_and_a_re_run_heals(
    fleet: Fleet, is_same_day: bool
) -> None:
    """Yesterday's list (or this morning's) is out; the next is killed before each of its writes in turn."""
    old_day = DAY if is_same_day else DAY - dt.timedelta(days=1)
    fleet.score(old_day)
    publish(fleet, old_day)
    old = read_latest(fleet.lake)
    assert old is not None
    old_files = {file.name: read_file(old, file.name, fleet.lake) for file in old.files}
    write_drive_days(fleet.lake, DAY, {SUDDEN: 39})
    fleet.score(DAY)
    n_writes = 0
    while True:
        dying = Lake(DyingStore(fleet.lake.store.root, n_writes))
        try:
            publish_day(DAY, fleet.settings, dying)
            break
        except StorageError:
            latest = read_latest(fleet.lake)
            assert latest == old
            assert {file.name: read_file(latest, file.name, fleet.lake) for file in latest.files} == old_files
        n_writes += 1
    assert n_writes >= 9
    new = read_latest(fleet.lake)
    assert new is not None
    assert new != old
    assert new == read_day_manifest(DAY, fleet.lake)
    healed = contents(fleet)
    publish(fleet)
    assert contents(fleet) == healed

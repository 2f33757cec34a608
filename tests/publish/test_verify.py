"""A list that is what it claims to be is made again to the byte; one that is not is named by its first bad link."""

import datetime as dt

import pytest

from pipelines.errors import MissingInputError, VerificationError
from pipelines.publish import publish_day
from pipelines.published_list import CSV_FILE, LIST_FILE, REPORT_FILE, read_day_manifest
from pipelines.realised_rates import write_realised_rates
from pipelines.registry import champion, promote_model
from pipelines.tickets.outcomes.failure_parts import write_failure_parts
from pipelines.tickets.outcomes.finding import Finding
from pipelines.tickets.outcomes.outcome_row import OutcomeRow, start_of
from pipelines.tickets.outcomes.rates import count_rates
from pipelines.verify import verify_list

from .fleet import DAY, TARGET, WORSENING, Fleet, store_model, write_drive_days
from .test_publish import contents


@pytest.fixture
def published(fleet: Fleet) -> Fleet:
    publish_day(DAY, fleet.settings, fleet.lake)
    return fleet


def broken_link(fleet: Fleet) -> VerificationError:
    with pytest.raises(VerificationError) as raised:
        verify_list(DAY, fleet.settings, fleet.lake)
    assert raised.value.exit_code == 1
    assert "Nothing was changed. Next: " in raised.value.message
    return raised.value


def flip_a_byte(fleet: Fleet, key: str) -> None:
    data = bytearray(fleet.lake.store.read(key))
    data[len(data) // 2] ^= 1
    fleet.lake.store.write(key, bytes(data))


def test_an_honest_list_is_made_again_and_nothing_is_written(published: Fleet) -> None:
    before = contents(published)
    report = verify_list(DAY, published.settings, published.lake)
    assert contents(published) == before
    assert report.summary.startswith(f"verified {DAY}: ")
    assert report.n_files == 3
    assert report.n_inputs > 40


def test_a_changed_input_partition_is_the_first_link(published: Fleet) -> None:
    day = DAY - dt.timedelta(days=7)
    write_drive_days(published.lake, day, {WORSENING: 13})
    error = broken_link(published)
    assert error.facts["link"] == "input"
    assert error.facts["key"] == f"core_drive_days/day={day}/part-00.parquet"
    assert "was changed" in error.message


def test_an_input_that_is_gone_or_came_later_is_a_link(published: Fleet) -> None:
    came = DAY - dt.timedelta(days=60)
    write_drive_days(published.lake, came)
    assert "was not there" in broken_link(published).message
    published.lake.delete_day("core_drive_days", came)
    published.lake.delete_day("core_drive_days", DAY - dt.timedelta(days=3))
    assert "is gone" in broken_link(published).message


@pytest.mark.parametrize("name", ["model.ubj", "card.json"])
def test_a_changed_model_is_the_link(published: Fleet, name: str) -> None:
    key = f"models/{published.model_id}/{name}"
    flip_a_byte(published, key)
    error = broken_link(published)
    assert (error.facts["link"], error.facts["key"]) == ("model", key)


def test_changed_predictions_are_the_link(published: Fleet) -> None:
    flip_a_byte(published, f"out_predictions/day={DAY}/part-00.parquet")
    assert broken_link(published).facts["link"] == "predictions"


@pytest.mark.parametrize("name", [LIST_FILE, CSV_FILE, REPORT_FILE])
def test_a_changed_file_is_the_link(published: Fleet, name: str) -> None:
    flip_a_byte(published, read_day_manifest(DAY, published.lake).folder + name)
    assert broken_link(published).facts["link"] == name


def test_a_forged_manifest_is_the_link(published: Fleet) -> None:
    key = f"published/at_risk_hosts/day={DAY}/manifest.json"
    forged = read_day_manifest(DAY, published.lake).model_copy(update={"n_listed": 0})
    published.lake.store.write(key, forged.to_json())
    assert broken_link(published).facts["link"] == "manifest"


def test_forged_predictions_with_a_manifest_to_match_are_found_by_scoring_again(fleet: Fleet) -> None:
    predictions = fleet.lake.read_day("out_predictions", DAY)
    place = predictions.schema.get_field_index("host_id")
    hosts = predictions["host_id"].to_pylist()
    hosts[0] = "another-host"
    forged = predictions.set_column(place, predictions.schema.field(place), [hosts])
    fleet.lake.write_day("out_predictions", DAY, forged)
    publish_day(DAY, fleet.settings, fleet.lake)
    error = broken_link(fleet)
    assert error.facts["link"] == "predictions"
    assert "made again from the same inputs" in error.message


def test_another_champion_since_then_does_not_matter(published: Fleet) -> None:
    other = store_model(published.lake, seed=8)
    assert other != published.model_id
    promote_model(other, TARGET, published.lake, who="test", why="newer", as_of=DAY, comparison=())
    assert champion(TARGET, published.lake) == other
    verify_list(DAY, published.settings, published.lake)


def test_other_list_settings_since_then_do_not_matter(published: Fleet) -> None:
    longer = published.settings.model_copy(
        update={"list": published.settings.list.model_copy(update={"length": 50})}
    )
    verify_list(DAY, longer, published.lake)


def test_a_day_that_was_never_published_says_what_to_run(fleet: Fleet) -> None:
    with pytest.raises(MissingInputError, match="prefail publish"):
        verify_list(DAY, fleet.settings, fleet.lake)


def test_what_technicians_find_after_the_list_was_out_does_not_change_how_it_is_made(
    published: Fleet,
) -> None:
    row = OutcomeRow(
        ticket_id="1",
        environment="default",
        host_id="a host",
        component_id=WORSENING,
        component_kind="drive",
        target=TARGET,
        opened_at=start_of(DAY - dt.timedelta(days=9)),
        closed_at=start_of(DAY),
        outcome=Finding.CONFIRMED,
        decided_by="field",
        remarks=None,
        changed_at=start_of(DAY - dt.timedelta(days=1)),
        is_in_failure_record=False,
        lead_days=8,
        risk_at_opening=0.5,
        rank_at_opening=1,
        model_id=published.model_id,
        model="a model",
        site=None,
        playbook_rule=None,
        source="desk",
        # Collected in the night after the list of the day came out.
        known_at=start_of(DAY + dt.timedelta(days=1)),
    )
    first_day = DAY - dt.timedelta(days=30)
    assert write_failure_parts([row], [], first_day, published.lake) == (DAY - dt.timedelta(days=1),)
    write_realised_rates(count_rates([row], first_day, DAY), DAY, published.lake)
    verify_list(DAY, published.settings, published.lake)

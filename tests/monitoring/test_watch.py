"""Drift that is put into a simulated fleet is found within its stated delay, and named in words."""

import datetime as dt

import pyarrow as pa
import pytest

from pipelines.drift_settings import DriftAction, DriftSettings, FindingKind
from pipelines.errors import MissingInputError
from pipelines.lake import Lake
from pipelines.monitoring.findings import Finding, drift_key, read_drift_report
from pipelines.monitoring.watch import find_drift, watch_day
from pipelines.settings import Settings
from tests.monitoring.watched_fleet import (
    CHANGE,
    FIRST_DAY,
    OLD,
    OTHER,
    Change,
    count_events,
    days_from,
    drop,
    freeze,
    make_lake,
    rename,
    scale,
)


def first_found(change: Change, kind: FindingKind, settings: Settings, n: int = 6) -> tuple[int, Finding]:
    """Return after how many days the first finding of a kind is there, 0 for the day of the change."""
    lake = make_lake(change)
    for delay, day in enumerate(days_from(CHANGE, n)):
        found = [each for each in find_drift(day, settings, lake).findings if each.kind is kind]
        if found:
            assert len(found) == 1, found
            return delay, found[0]
    raise AssertionError(f"no {kind} within {n} days")


def test_a_counter_in_another_unit_is_found_on_the_same_day(settings: Settings) -> None:
    delay, finding = first_found(scale("load_cycles", OLD, 60), FindingKind.UNIT_CHANGE, settings)
    assert delay == 0
    assert (finding.subject, finding.signal, finding.since) == (OLD, "load_cycles", CHANGE)
    assert finding.targets == ("drive_fails_30d",)
    assert f"moved on {CHANGE}, from one day to the next, no other hardware model did" in finding.words
    assert "(× 32)" in finding.words
    assert "firmware" in finding.cause


def test_a_counter_that_begins_again_is_a_change_of_unit(settings: Settings) -> None:
    delay, finding = first_found(scale("power_on_hours", OLD, 0), FindingKind.UNIT_CHANGE, settings)
    assert delay == 0
    assert "to 0," in finding.words


def test_fahrenheit_for_celsius_is_found_on_the_same_day(settings: Settings) -> None:
    delay, finding = first_found(scale("temperature_celsius", OTHER, 2), FindingKind.UNIT_CHANGE, settings)
    assert (delay, finding.subject) == (0, OTHER)


def test_a_change_of_unit_stays_a_finding_and_others_say_nothing(settings: Settings) -> None:
    lake = make_lake(scale("load_cycles", OLD, 60))
    for day in (CHANGE - dt.timedelta(days=1), CHANGE, CHANGE + dt.timedelta(days=10)):
        found = [each.finding_id for each in find_drift(day, settings, lake).findings]
        assert found == ([] if day < CHANGE else [f"unit_change:drive:{OLD}:load_cycles"])


def test_a_firmware_that_a_sixth_get_each_day_is_found_on_the_first(
    settings: Settings,
) -> None:
    everywhere = scale("load_cycles", OLD, 60)

    def roll_out(day: dt.date, table: pa.Table) -> pa.Table:
        n_updated = table.num_rows * ((day - CHANGE).days + 1) // 6
        return pa.concat_tables([everywhere(day, table.slice(0, n_updated)), table.slice(n_updated)])

    delay, _ = first_found(roll_out, FindingKind.UNIT_CHANGE, settings)
    assert delay == 0


def test_one_bad_day_is_forgotten_on_the_next(settings: Settings) -> None:
    broken = scale("load_cycles", OLD, 60)
    lake = make_lake(lambda day, table: broken(day, table) if day == CHANGE else table)
    assert find_drift(CHANGE, settings, lake).findings
    for day in days_from(CHANGE + dt.timedelta(days=1), 8)[::3]:
        assert not find_drift(day, settings, lake).findings


@pytest.mark.parametrize("signal", ["temperature_celsius", "power_on_hours"])
def test_a_sensor_that_freezes_is_found_on_the_fourth_day(
    signal: str, settings: Settings, lake: Lake
) -> None:
    delay, finding = first_found(freeze(signal, OLD), FindingKind.FROZEN_SENSOR, settings)
    assert delay == 3
    assert (finding.subject, finding.signal) == (OLD, signal)
    # The value of the day before is the one that is repeated.
    assert f"stands still since {CHANGE - dt.timedelta(days=1)} or longer in 100%" in finding.words


def test_a_counter_that_stands_still_again_after_many_were_restarted_is_not_frozen(
    settings: Settings,
) -> None:
    today = FIRST_DAY + dt.timedelta(days=50)
    restarts = [today - dt.timedelta(days=back) for back in (30, 37)]
    once, weekly = (
        make_lake(count_events("power_cycles", OLD, days), since=FIRST_DAY)
        for days in (restarts[:1], restarts)
    )
    assert find_drift(today, settings, once).findings == ()
    assert [each.kind for each in find_drift(today, settings, weekly).findings] == [FindingKind.FROZEN_SENSOR]


def test_a_frozen_sensor_keeps_its_first_day(settings: Settings) -> None:
    lake = make_lake(freeze("temperature_celsius", OLD))
    first = CHANGE + dt.timedelta(days=3)
    for day in days_from(first, 2):
        watch_day(day, settings, lake)
    since = [read_drift_report(day, lake).findings[0].since for day in days_from(first, 2)]
    assert since == [CHANGE - dt.timedelta(days=1)] * 2


def test_a_signal_that_is_no_longer_reported_is_found_on_the_same_day(settings: Settings) -> None:
    delay, finding = first_found(drop("temperature_celsius", OLD), FindingKind.SIGNAL_VANISHED, settings)
    assert (delay, finding.subject, finding.size) == (0, OLD, 1.0)


def test_a_new_hardware_model_is_found_on_its_first_day(settings: Settings) -> None:
    delay, finding = first_found(rename(OLD, "WDC NEW", 0.3), FindingKind.NEW_MODEL, settings)
    assert (delay, finding.subject, finding.since) == (0, "WDC NEW", CHANGE)
    assert finding.action is DriftAction.RETRAIN
    assert finding.next_command == f"prefail train --as-of {CHANGE} --target drive_fails_30d"


def test_a_few_drives_of_a_new_model_are_not_worth_a_training(settings: Settings) -> None:
    lake = make_lake(rename(OLD, "WDC NEW", 0.02), until=CHANGE)
    assert not find_drift(CHANGE, settings, lake).findings


def test_what_moves_in_most_models_is_one_finding_of_the_fleet(settings: Settings) -> None:
    def warm(day: dt.date, table: pa.Table) -> pa.Table:
        for model in table["model"].unique().to_pylist():
            table = scale("temperature_celsius", model, 1.4)(day, table)
        return table

    _, finding = first_found(warm, FindingKind.SIGNAL_SHIFT, settings)
    assert finding.subject == "fleet"
    assert "5 of 5 hardware models" in finding.words


def test_a_quiet_fleet_is_quiet(settings: Settings) -> None:
    lake = make_lake()
    for day in days_from(CHANGE - dt.timedelta(days=5), 15)[::5]:
        assert not find_drift(day, settings, lake).findings


def test_watching_again_writes_the_same_bytes(settings: Settings) -> None:
    lake = make_lake(scale("load_cycles", OLD, 60), until=CHANGE)
    facts = watch_day(CHANGE, settings, lake)
    once = lake.store.read(drift_key(CHANGE))
    watch_day(CHANGE, settings, lake)
    assert lake.store.read(drift_key(CHANGE)) == once
    assert facts.fact("findings") == facts.fact("block") == 1


def test_later_days_never_change_what_is_found(settings: Settings) -> None:
    lake = make_lake(scale("load_cycles", OLD, 60), until=CHANGE + dt.timedelta(days=1))
    alone = find_drift(CHANGE + dt.timedelta(days=1), settings, lake)
    lake = make_lake(scale("load_cycles", OLD, 60))
    assert find_drift(CHANGE + dt.timedelta(days=1), settings, lake) == alone


def test_a_day_that_was_not_built_is_refused(settings: Settings, lake: Lake) -> None:
    with pytest.raises(MissingInputError, match=f"prefail build --day {CHANGE}"):
        watch_day(CHANGE, settings, lake)


def test_every_kind_of_finding_has_an_action_of_its_own() -> None:
    for kind in FindingKind:
        for action in DriftAction:
            assert DriftSettings.model_validate({f"on_{kind}": action}).action_on(kind) is action

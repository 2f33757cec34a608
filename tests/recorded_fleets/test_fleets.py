"""The recordings are read whole, nothing later than the split is learned, and the page says what is measured."""

import dataclasses
import functools

import numpy as np
import pandas as pd
import pytest

from features.evaluation import select_candidates
from features.ranking import judge_rows
from pipelines.errors import LeakAlarmError
from tests.conftest import PROJECT, SHARED
from tests.recorded_fleets import grid5000, infinitehbd, lanl, titan
from tests.recorded_fleets.fleets import FLEETS, load_target_of
from tests.recorded_fleets.measure import MODEL, Measurement, list_features, measure
from tests.recorded_fleets.page import render_row
from tests.recorded_fleets.recording import Recording, number_of
from tests.recorded_fleets.rows import Cells, fill_features, label_cells, list_cells
from tests.recorded_fleets.signals import DailySignal, Events, Matrix

pytestmark = pytest.mark.shared_data

DATA = SHARED / "data"
QUICK = ("grid5000", "infinitehbd")


@functools.cache
def recording_of(name: str) -> Recording:
    return FLEETS[name].read(DATA)


@functools.cache
def measured(name: str) -> Measurement:
    return measure(recording_of(name), load_target_of(name), FLEETS[name].split)


def test_every_outage_of_lanl_is_read() -> None:
    rows = lanl.read_outages(DATA)
    assert len(rows) == 23_739
    assert rows["system"].nunique() == 23
    assert rows["component"].nunique() == 3_576
    assert rows["hardware"].notna().sum() == 14_341
    assert (rows["hardware"] == "CPU").sum() == 5_931
    assert (rows["hardware"] == "Memory Dimm").sum() == 2_880


def test_silent_nodes_of_lanl_are_in_the_fleet() -> None:
    rows, ids = lanl.read_outages(DATA), recording_of("lanl").ids
    published = rows.groupby("system")["n_nodes"].max().dropna()
    named = rows.dropna(subset="component").groupby("system")["component"].nunique()
    assert len(ids) == np.maximum(published, named.reindex(published.index)).sum()
    assert sum("silent" in name for name in ids) == len(ids) - 3_576


def test_every_installation_and_event_of_titan_is_read() -> None:
    rows = titan.read_spans(DATA)
    assert len(rows) == 37_343
    assert rows["component"].nunique() == 30_207
    assert rows["event"].value_counts().to_dict() == {"DBE": 4_826, "OTB": 1_541}
    assert rows["cage"].notna().all()


def test_batches_of_titan_are_those_that_its_authors_name() -> None:
    recording = recording_of("titan")
    summary = pd.read_csv(DATA / "titan-gpu-lifetimes" / "gc_summary_loc.csv.gz", dtype={"SN": str})
    named = summary.set_index("SN")["batch"]
    assert (named[recording.ids].to_numpy() == recording.models).all()


def test_every_span_of_grid5000_is_read() -> None:
    spans = grid5000.read_spans(DATA)
    assert len(spans) == 588_463
    assert spans["component"].nunique() == 1_288
    assert int((~spans["is_up"]).sum()) == 294_145


def test_every_fault_of_infinitehbd_is_read() -> None:
    faults = infinitehbd.read_faults(DATA)
    assert len(faults) == 584
    assert len({fault.component for fault in faults}) == 231
    assert len(recording_of("infinitehbd").ids) == 400
    assert sum(fault.fault_class == "GPU" for fault in faults) == 158


@pytest.mark.parametrize("name", FLEETS)
def test_no_answer_of_the_training_rows_lies_beyond_the_split(name: str) -> None:
    recording, target = recording_of(name), load_target_of(name)
    split = number_of(FLEETS[name].split)
    lives = recording.lives
    cells = list_cells(lives, range(split - 400, split + 40, 20))
    labels = label_cells(lives, cells, target, split)
    known = ~np.isnan(labels)
    assert (labels == 1).sum() > 20
    assert (cells.day[known] + target.horizon_days <= split).all()
    failed = cells.life[labels == 1]
    assert (lives.known_on[failed] <= split).all()
    away = lives.last_day[failed] - cells.day[labels == 1]
    assert ((away > target.lead_days) & (away <= target.horizon_days)).all()


@pytest.mark.parametrize("name", FLEETS)
def test_labels_are_the_answers_that_the_evaluation_judges_by(name: str) -> None:
    recording, target = recording_of(name), load_target_of(name)
    end = recording.last_day
    cells = list_cells(recording.lives, range(end - 300, end - 10, 37))
    labels = label_cells(recording.lives, cells, target, end)
    lives = recording.lives.as_known_by(end)
    rows = select_candidates(lives, cells.life, cells.day, np.zeros(len(cells.day)))
    judged = judge_rows(rows, lives, horizon_days=target.horizon_days, lead_days=target.lead_days)
    assert len(rows.day) == len(cells.day)
    assert np.array_equal(judged.is_judged, ~np.isnan(labels))
    assert np.array_equal(judged.fails_in_horizon, labels[judged.is_judged] == 1)


def forget_later(signal: DailySignal, day: int) -> DailySignal:
    """Return the signal as it would be had the world ended on the evening of ``day``."""
    changed = {}
    for field in dataclasses.fields(signal):
        events = getattr(signal, field.name)
        if isinstance(events, Events):
            kept = events.known_on <= day
            changed[field.name] = Events(
                component_index=events.component_index[kept],
                known_on=events.known_on[kept],
                amount=events.amount[kept],
            )
    return dataclasses.replace(signal, **changed)


@pytest.mark.parametrize("name", FLEETS)
def test_nothing_known_after_the_day_changes_its_features(name: str) -> None:
    recording, target = recording_of(name), load_target_of(name)
    day = number_of(FLEETS[name].split)
    past = dataclasses.replace(
        recording, signals={key: forget_later(signal, day) for key, signal in recording.signals.items()}
    )
    at_risk = list_cells(recording.lives, [day])
    of_few = recording.lives.component_index[at_risk.life] < 400
    cells = Cells(life=at_risk.life[of_few], day=at_risk.day[of_few])
    names = list_features(target)
    ours, theirs = (fill_features(each, target, names, cells, 1) for each in (recording, past))
    assert len(cells.day) > 100
    assert np.array_equal(ours, theirs, equal_nan=True)
    # The comparison can fail: a day later, more is known.
    later = Cells(life=cells.life, day=cells.day + 14)
    ours, theirs = (fill_features(each, target, names, later, 1) for each in (recording, past))
    assert not np.array_equal(ours, theirs, equal_nan=True)


def test_the_cause_of_an_outage_counts_from_its_repair() -> None:
    rows, recording = lanl.read_outages(DATA), recording_of("lanl")
    long = rows[rows["hardware"].eq("CPU") & (rows["fixed"] > rows["started"] + 10)].iloc[0]
    place = int(np.flatnonzero(recording.ids == long["component"])[0])
    cube = recording.make_cube(["cpu_outages"], slice(place, place + 1))
    counted = cube.values[0, :, 0]
    fixed = int(long["fixed"]) - recording.first_day
    assert counted[fixed] == counted[fixed - 1] + 1


@dataclasses.dataclass(frozen=True)
class FailsSoon:
    """A signal that knows the future: the days until the component's next failure."""

    recording: Recording

    def read(self, first_day: int, n_days: int, components: slice) -> Matrix:
        lives = self.recording.lives
        days = first_day + np.arange(n_days)
        found = np.full((n_days, components.stop - components.start), 999, dtype=np.float32)
        for life in np.flatnonzero(lives.has_failed):
            place = int(lives.component_index[life]) - components.start
            if 0 <= place < found.shape[1]:
                before = (days >= lives.first_day[life]) & (days < lives.last_day[life])
                found[before, place] = lives.last_day[life] - days[before]
        return found


@pytest.mark.parametrize("name", QUICK)
def test_a_planted_future_column_raises_the_alarm(name: str) -> None:
    recording = recording_of(name)
    planted = "days_since_fault" if name == "infinitehbd" else "age_days"
    leaking = dataclasses.replace(recording, signals={**recording.signals, planted: FailsSoon(recording)})
    with pytest.raises(LeakAlarmError, match=f"feature {planted}_level alone"):
        measure(leaking, load_target_of(name), FLEETS[name].split)


@pytest.mark.parametrize("name", QUICK)
def test_the_page_states_what_is_measured(name: str) -> None:
    page = (PROJECT / "docs" / "evaluation.md").read_text("utf-8")
    measurement = measured(name)
    assert measurement.target.label_definition in page
    stated = [line for line in page.splitlines() if line.startswith("| ")]
    for judged in measurement.judged:
        row = render_row(judged)
        if judged.evaluation.name == MODEL:
            # The last digits of a tree model are the machine's.
            figures = [line for line in stated if line.startswith(f"| {MODEL} | ")]
            known = [float(line.split(" | ")[1].split(" ")[0]) for line in figures]
            assert any(abs(each - judged.average_precision.estimate) < 0.01 for each in known)
        else:
            columns = [0, 1, 3, 4, 5]  # all but the difference from the model
            wanted = [row.split(" | ")[number] for number in columns]
            assert wanted in [
                [line.split(" | ")[number] for number in columns] for line in stated if line.count(" | ") == 5
            ]


@pytest.mark.parametrize("name", QUICK)
def test_no_figure_is_too_good_to_be_true_and_chance_is_beaten(name: str) -> None:
    measurement = measured(name)
    assert not measurement.alarms
    ranking = measurement.of(MODEL).evaluation.ranking
    share = ranking.n_positives / ranking.n_component_days
    assert measurement.of(MODEL).average_precision.low > share

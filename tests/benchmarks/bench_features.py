"""Features of 100,000 components on 90 days: all of them, one day of them, a training set, and pandas."""

import datetime as dt
import math
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.kernel import compute_features
from features.shards import ALL_SHARDS, split_shards
from features.target import Target, load_target
from pipelines.component_days import ComponentDayReader
from pipelines.cube_reading import plan_passes, read_cube
from pipelines.failures import read_failures
from pipelines.lake import Lake, partition_key
from pipelines.object_store import FolderStore
from pipelines.risk_scoring import slice_components
from pipelines.training_set import collect_training_set
from pipelines.training_settings import TrainingSettings
from tests.benchmarks.core_files import DATASET, SIGNALS, WrittenDays, write_core_days
from tests.benchmarks.pandas_windows import AGGREGATES, frame_of, roll_windows
from tests.benchmarks.rows import Row, Timing
from tests.benchmarks.timing import N_THREADS, Side, say, time_in_turn

N_COMPONENTS = 100_000
N_DAYS = 90
N_IN_PANDAS = 2_000
SAMPLE_SHARE = 0.05
N_GROUPS = 4
_N_RUNS = 3
_MEMORY_LIMIT_MB = TrainingSettings().memory_limit_mb
_OF_EACH_SIGNAL = (
    *("level", "delta_1d", "delta_7d", "delta_30d", "increase_7d", "increase_30d", "increase_90d"),
    *("changes_7d", "changes_30d", "maxstep_30d", "dayssincechange"),
    *("min_30d", "max_30d", "mean_30d", "std_30d", "slope_30d"),
)
FEATURES = tuple(f"{signal}_{aggregate}" for signal in SIGNALS for aggregate in _OF_EACH_SIGNAL)
_SCANNED = ("component_key", "model", "capacity_bytes", *SIGNALS)
# Cells whose features are computed together: some hundred megabytes, as in pipelines.span_scoring.
_MAX_CELLS = 400_000


def run(scale: float) -> list[Row]:
    """Measure on ``scale`` × 100,000 components."""
    pa.set_cpu_count(N_THREADS)
    n_components = max(200, round(N_COMPONENTS * scale))
    with tempfile.TemporaryDirectory(prefix="prefail-bench-") as folder:
        lake = Lake(FolderStore(Path(folder) / "as_built"))
        whole = Lake(FolderStore(Path(folder) / "one_group"))
        written = write_core_days(lake, n_components, N_DAYS)
        _copy_in_one_group(lake, whole, written.days)
        fleet = _Fleet(lake=lake, folder=Path(folder), written=written, target=_make_target(written, lake))
        groups = split_shards(N_GROUPS)
        scan, scan_whole, full, day, in_groups, group, sample = time_in_turn(
            Side(what="scan of the files", work=lambda: fleet.scan("as_built")),
            Side(what="scan, one row group a file", work=lambda: fleet.scan("one_group")),
            Side(what="all component-days from files", work=fleet.build_all),
            Side(what="one day from files", work=lambda: fleet.build_one_day([ALL_SHARDS])),
            Side(what="one day in shard groups", work=lambda: fleet.build_one_day(groups)),
            Side(what="one shard group of the day", work=lambda: fleet.build_one_day(groups[:1])),
            Side(what="training set from files", work=fleet.build_sample),
            n_runs=_N_RUNS,
        )
        pandas, n_pandas_cells = fleet.time_pandas()
        n_sampled = fleet.build_sample()
    n_cells = n_components * N_DAYS
    data = f"{n_components:,} components × {N_DAYS} days × {len(SIGNALS)} signals, {len(FEATURES)} features"
    all_in_pandas = _scaled(pandas, n_cells * len(FEATURES) / n_pandas_cells)
    rows = [
        Row(name="full feature build", subject=full, reference=scan, ratio_at_most=12, note=data),
        Row(
            name="pandas groupby.rolling, against the full build",
            subject=all_in_pandas,
            reference=full,
            ratio_at_least=20,
            note=f"pandas: {len(AGGREGATES)} of the {len(_OF_EACH_SIGNAL)} aggregates on {N_IN_PANDAS:,} components or "
            "fewer, frame in memory; scaled by cells. Its values are compared with the kernel's",
        ),
        Row(name="features of one day", subject=day, reference=scan, ratio_at_most=2, note="all components"),
        Row(
            name=f"features of one day in {N_GROUPS} shard groups, one after the other, against all at once",
            subject=in_groups,
            reference=day,
        ),
        Row(name=f"one of {N_GROUPS} shard groups, against all at once", subject=group, reference=day),
        Row(
            name="training set, 5 % sample",
            subject=sample,
            reference=scan,
            ratio_at_most=3.5,
            note=f"{n_sampled:,} of {written.n_rows:,} component-days ({n_sampled / written.n_rows:.1%}), with "
            "labels and cohort",
        ),
    ]
    for name, subject in (("full feature build", full), ("one day", day), ("training set", sample)):
        rows.append(Row(name=f"{name}, one row group a file", subject=subject, reference=scan_whole))
    return rows


@dataclass(frozen=True, kw_only=True)
class _Fleet:
    lake: Lake
    folder: Path
    written: WrittenDays
    target: Target

    @property
    def last_day(self) -> dt.date:
        return self.written.days[-1]

    def scan(self, which: str) -> None:
        """Read the columns that features need, file by file, as pyarrow reads them."""
        for day in self.written.days:
            pq.read_table(self.folder / which / partition_key(DATASET, day), columns=list(_SCANNED))

    def build_all(self) -> int:
        """Compute every feature of every component-day, a few components at a time; none are kept."""
        first, last = self.written.days[0], self.last_day
        plan = plan_passes(self.lake, DATASET, len(SIGNALS), first, last, _MEMORY_LIMIT_MB)
        n_computed = 0
        for shards in plan.passes:
            cube = read_cube(
                self.lake,
                DATASET,
                SIGNALS,
                days=plan.days,
                first_day=first,
                last_day=last,
                shards=shards,
                known_by=last,
            )
            for part in _slices(cube.n_components, _MAX_CELLS // cube.n_days):
                few = slice_components(cube, part)
                days = np.repeat(np.arange(few.n_days), few.n_components)
                components = np.tile(np.arange(few.n_components), few.n_days)
                n_computed += len(compute_features(few, FEATURES, days, components, n_threads=N_THREADS))
        return n_computed

    def build_one_day(self, groups: Sequence[Sequence[int]]) -> int:
        """Compute the last day's features of the shard groups, as scoring does: from the lookback alone."""
        n_computed = 0
        for shards in groups:
            reader = ComponentDayReader(self.lake, DATASET, SIGNALS)
            cube = reader.read_cube(self.written.days[0], self.last_day, shards)
            days = np.full(cube.n_components, cube.n_days - 1)
            components = np.arange(cube.n_components)
            n_computed += len(compute_features(cube, FEATURES, days, components, n_threads=N_THREADS))
        return n_computed

    def build_sample(self) -> int:
        """Collect a training set as `prefail train` does, and return its rows."""
        failures = read_failures(self.lake, self.target.component_kind, self.last_day)
        settings = TrainingSettings(
            negatives_per_positive=self.target.training.negatives_per_positive, n_threads=N_THREADS
        )
        rows = collect_training_set(self.target, FEATURES, self.last_day, failures, self.lake, settings)
        return len(rows.fails)

    def time_pandas(self) -> tuple[Timing, int]:
        """Return the time of pandas for a part of the fleet, and how many values it computed."""
        last = self.last_day
        cube = read_cube(
            self.lake,
            DATASET,
            SIGNALS,
            days=self.written.days,
            first_day=self.written.days[0],
            last_day=last,
            shards=range(16),
            known_by=last,
        )
        few = slice_components(cube, slice(0, min(N_IN_PANDAS, cube.n_components)))
        del cube
        frame = frame_of(few)
        (timing,) = time_in_turn(
            Side(what="pandas groupby.rolling", work=lambda: dict(roll_windows(frame, SIGNALS))), n_runs=2
        )
        values = dict(roll_windows(frame, SIGNALS))
        days = np.tile(np.arange(few.n_days), few.n_components)
        components = np.repeat(np.arange(few.n_components), few.n_days)
        ours = compute_features(few, tuple(values), days, components, n_threads=N_THREADS)
        for place, (name, theirs) in enumerate(values.items()):
            np.testing.assert_allclose(ours[:, place], theirs, rtol=1e-4, atol=1e-3, err_msg=name)
        say(f"pandas agrees with the kernel on {len(values)} features of {len(frame):,} component-days")
        return timing, len(frame) * len(values)


def _make_target(written: WrittenDays, lake: Lake) -> Target:
    """Return the shipped target with the benchmark's signals, and as many healthy rows as make the sample."""
    shipped = load_target("drive_fails_30d")
    n_positives = (
        len(read_failures(lake, shipped.component_kind, written.days[-1]).day)
        * (shipped.horizon_days - shipped.lead_days)
        * shipped.training.positive_share
    )
    # The last days have no label yet: the same number of rows comes from the days that have one.
    labelled_share = 1 - shipped.horizon_days / len(written.days)
    negatives = math.ceil(SAMPLE_SHARE * written.n_rows / labelled_share / n_positives)
    training = shipped.training.model_copy(update={"negatives_per_positive": negatives})
    return shipped.model_copy(update={"signals": SIGNALS, "training": training})


def _copy_in_one_group(lake: Lake, whole: Lake, days: tuple[dt.date, ...]) -> None:
    for day in days:
        whole.write_day(DATASET, day, lake.read_day(DATASET, day))


def _slices(n_items: int, size: int) -> Iterator[slice]:
    for start in range(0, n_items, max(1, size)):
        yield slice(start, min(start + size, n_items))


def _scaled(timing: Timing, factor: float) -> Timing:
    return Timing(
        what=f"{timing.what}, scaled",
        wall_seconds=timing.wall_seconds * factor,
        cpu_seconds=timing.cpu_seconds * factor,
        peak_mb=timing.peak_mb,
    )

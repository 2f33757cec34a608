"""Write a published list or a training set for others, with pseudonyms in place of serials and host names."""

import datetime as dt
import io
import logging
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.csv_list import write_csv
from pipelines.errors import PermanentError
from pipelines.failures import day_of_number, read_failures
from pipelines.lake import Lake, encode_parquet
from pipelines.object_store import FolderStore
from pipelines.pseudonyms import Pseudonyms
from pipelines.published_list import CSV_FILE, LIST_FILE, read_day_manifest, read_file
from pipelines.settings import Settings
from pipelines.targets import find_target
from pipelines.training_set import TrainingSet, collect_training_set

log = logging.getLogger(__name__)

# Shorter ones turn up by chance inside other words.
_LEAST_ID_LENGTH = 4


@dataclass(frozen=True, kw_only=True)
class Exported:
    """The files that were written, and how many rows they hold."""

    files: tuple[Path, ...]
    n_rows: int
    is_pseudonymised: bool

    @property
    def summary(self) -> str:
        """Return the one line that says it."""
        names = ", ".join(str(path) for path in self.files)
        return f"exported {names}: rows={self.n_rows} pseudonymised={self.is_pseudonymised}"


def export_list(day: dt.date, lake: Lake, folder: Path, pseudonyms: Pseudonyms | None) -> Exported:
    """Write ``at_risk_<day>.parquet`` and ``.csv``: one row per listed component, in rank order."""
    table = pq.read_table(io.BytesIO(read_file(read_day_manifest(day, lake), LIST_FILE, lake)))
    if pseudonyms is not None:
        table = pseudonymise_list(table, pseudonyms)
    stem = f"at_risk_{day}"
    files = {
        f"{stem}{Path(LIST_FILE).suffix}": encode_parquet(table),
        f"{stem}{Path(CSV_FILE).suffix}": write_csv(table),
    }
    return _write(files, folder, table.num_rows, pseudonyms)


def export_training_set(
    target_name: str,
    as_of: dt.date,
    settings: Settings,
    lake: Lake,
    folder: Path,
    pseudonyms: Pseudonyms | None,
) -> Exported:
    """Write ``training_<target>_<as-of>.parquet``: one row per sampled component-day, as training sees it."""
    target = find_target(target_name)
    failures = read_failures(lake, target.component_kind, as_of)
    rows = collect_training_set(target, target.feature_names, as_of, failures, lake, settings.training)
    table = tabulate_training_set(rows, pseudonyms)
    name = f"training_{target.name}_{as_of}.parquet"
    return _write({name: encode_parquet(table)}, folder, table.num_rows, pseudonyms)


def pseudonymise_list(table: pa.Table, pseudonyms: Pseudonyms) -> pa.Table:
    """Return the list under pseudonyms. ``PermanentError`` if another column repeats a serial or host name."""
    raw = {name: table[name].to_pylist() for name in ("component_id", "host_id")}
    new = {
        "component_id": pseudonyms.name_components(raw["component_id"]),
        "host_id": pseudonyms.name_hosts(raw["host_id"]),
    }
    for name, values in new.items():
        table = table.set_column(table.schema.get_field_index(name), name, pa.array(values, pa.string()))
    _refuse_leftovers(table, {value for values in raw.values() for value in values})
    # Metadata is free text of whoever wrote the file.
    return table.replace_schema_metadata(None)


def tabulate_training_set(rows: TrainingSet, pseudonyms: Pseudonyms | None) -> pa.Table:
    """Return the rows as a table, by component, then day; the component under a pseudonym if so asked."""
    names = (
        [f"{key:016x}" for key in rows.component_keys.tolist()]
        if pseudonyms is None
        else pseudonyms.name_keys(rows.component_keys)
    )
    table = pa.table(
        {
            "component": pa.array(names, pa.string()),
            "day": pa.array([day_of_number(int(number)) for number in rows.day], pa.date32()),
            "fails_in_horizon": pa.array(rows.fails),
            "weight": pa.array(rows.weight),
            **{name: pa.array(rows.features[:, n]) for n, name in enumerate(rows.feature_names)},
        }
    )
    # The training's own order is that of the plain hash, which would give the serials' order away.
    return table.sort_by([("component", "ascending"), ("day", "ascending")])


def _refuse_leftovers(table: pa.Table, raw: set[str]) -> None:
    telling = sorted(value for value in raw if len(value) >= _LEAST_ID_LENGTH)
    for field in table.schema:
        if not (pa.types.is_string(field.type) or pa.types.is_dictionary(field.type)):
            continue
        for cell in set(table[field.name].to_pylist()) - {None}:
            if any(value in cell for value in telling):
                raise PermanentError(
                    f"The column {field.name} repeats a serial or a host name. Nothing was written. "
                    "Change what the sources put there (slot, rack, site), or export without it.",
                    column=field.name,
                )


def _write(files: dict[str, bytes], folder: Path, n_rows: int, pseudonyms: Pseudonyms | None) -> Exported:
    store = FolderStore(folder)
    for name, data in files.items():
        store.write(name, data)
    exported = Exported(
        files=tuple(folder / name for name in files), n_rows=n_rows, is_pseudonymised=pseudonyms is not None
    )
    log.info(exported.summary)
    return exported

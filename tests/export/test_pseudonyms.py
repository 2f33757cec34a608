"""Exports under pseudonyms: no serial and no host name in any byte, and always the same for one key."""

import datetime as dt
import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import SecretStr

from features.shards import component_keys
from pipelines.cli import main
from pipelines.errors import ConfigError, PermanentError
from pipelines.export import export_list, pseudonymise_list, tabulate_training_set
from pipelines.lake import Lake, encode_parquet
from pipelines.object_store import FolderStore
from pipelines.pseudonyms import Pseudonyms
from pipelines.training_set import TrainingSet
from tests.object_storage.small_fleet import DAYS, fill_day, run_morning, write_settings

KEY = SecretStr("a key that only we have")
MORNING = DAYS[3]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fleet")
    settings = write_settings(folder)
    lake = Lake(FolderStore(folder / "lake"))
    for day in DAYS[:4]:
        fill_day(day, settings, lake)
    run_morning(MORNING, settings, lake)
    return folder


def raw_names(lake: Lake) -> set[bytes]:
    """Return every serial and host name of the fleet, and the plain hashes of the serials."""
    rows = lake.read_day("core_drive_days", DAYS[0])
    keys = rows["component_key"].to_numpy()
    return {
        *(name.encode() for column in ("component_id", "host_id") for name in rows[column].to_pylist()),
        *(key.tobytes() for key in keys),
        *(f"{key:016x}".encode() for key in keys.tolist()),
    }


def test_no_byte_of_an_exported_list_names_a_serial_or_a_host(folder: Path, tmp_path: Path) -> None:
    lake = Lake(FolderStore(folder / "lake"))
    exported = export_list(MORNING, lake, tmp_path / "out", Pseudonyms(KEY))
    assert exported.n_rows > 0
    plain = export_list(MORNING, lake, tmp_path / "plain", None)
    for names_are_there, files in ((False, exported.files), (True, plain.files)):
        for path in files:
            # Uncompressed, so that a name can't hide in a packed page.
            data = path.read_bytes()
            if path.suffix == ".parquet":
                sink = io.BytesIO()
                pq.write_table(pq.read_table(path), sink, compression="none", use_dictionary=False)
                data += sink.getvalue()
            assert any(name in data for name in raw_names(lake)) is names_are_there, path


def test_the_same_key_gives_the_same_pseudonyms_and_another_key_others() -> None:
    ids = ["ZA1", "ZA2", "ZA1"]
    ours = Pseudonyms(KEY).name_components(ids)
    assert ours == Pseudonyms(KEY).name_components(ids)
    assert ours[0] == ours[2] != ours[1]
    assert not set(ours) & set(Pseudonyms(SecretStr("another key of ours")).name_components(ids))
    assert Pseudonyms(KEY).name_keys(component_keys(ids)) == ours
    assert not set(ours) & set(Pseudonyms(KEY).name_hosts(ids))
    assert Pseudonyms(KEY).name_components([]) == []


@pytest.mark.parametrize("key", [None, SecretStr(""), SecretStr("short")])
def test_without_a_real_key_nothing_is_written(key: SecretStr | None) -> None:
    with pytest.raises(ConfigError, match="PREFAIL_PSEUDONYM_KEY"):
        Pseudonyms(key)


def test_a_name_in_another_column_stops_the_export() -> None:
    table = pa.table(
        {"component_id": ["ZA10001"], "host_id": ["web-17.example"], "slot": ["bay of web-17.example"]}
    )
    with pytest.raises(PermanentError, match="The column slot repeats a serial or a host name"):
        pseudonymise_list(table, Pseudonyms(KEY))


def test_a_training_set_names_components_like_a_list_and_hides_their_order() -> None:
    ids = [f"SERIAL-{n}" for n in range(50)]
    keys = np.sort(component_keys(ids))
    rows = TrainingSet(
        feature_names=("a_level",),
        features=np.arange(50, dtype=np.float32).reshape(50, 1),
        fails=np.zeros(50, dtype=np.bool_),
        day=np.full(50, 20_000),
        label_known_day=np.full(50, 20_030),
        component_keys=keys,
        positive_share=1.0,
        negative_share=1.0,
        first_day=dt.date(2024, 10, 4),
        as_of=dt.date(2024, 10, 4),
        models=("a",),
        n_days_of_model=np.ones((1, 1), dtype=np.int64),
        days=(dt.date(2024, 10, 4),),
    )
    table = tabulate_training_set(rows, Pseudonyms(KEY))
    assert set(table["component"].to_pylist()) == set(Pseudonyms(KEY).name_components(ids))
    assert table["component"].to_pylist() == sorted(table["component"].to_pylist())
    assert table["a_level"].to_pylist() != list(range(50))
    data = encode_parquet(table)
    assert not any(key.tobytes() in data or f"{key:016x}".encode() in data for key in keys)


def test_the_command_writes_both_kinds(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = ["--config", str(folder / "prefail.toml"), "export"]
    out = ["--out", str(tmp_path), "--pseudonymise"]
    assert main([*config, "list", "--day", str(MORNING), *out]) == 1
    assert "PREFAIL_PSEUDONYM_KEY" in capsys.readouterr().err
    monkeypatch.setenv("PREFAIL_PSEUDONYM_KEY", KEY.get_secret_value())
    assert main([*config, "list", "--day", str(MORNING), *out]) == 0
    assert main([*config, "training-set", "--as-of", str(MORNING), *out]) == 0
    assert "pseudonymised=True" in capsys.readouterr().out
    lake = Lake(FolderStore(folder / "lake"))
    assert len(list(tmp_path.iterdir())) == 3
    for path in tmp_path.iterdir():
        assert not any(name in path.read_bytes() for name in raw_names(lake))

"""Settings: defaults that work, the environment over the file, and every mistake named at once."""

from pathlib import Path

import pytest

from pipelines.errors import ConfigError
from pipelines.settings import load_settings

SMALLEST = """
[lake]
root = "lake"                # a folder, or s3://bucket/prefix

[[sources]]
name = "drives"
kind = "drive_stats"
path = "data/drive_stats"
"""


@pytest.fixture
def write(tmp_path: Path):
    def write_settings(text: str) -> Path:
        path = tmp_path / "prefail.toml"
        path.write_text(text, "utf-8")
        return path

    return write_settings


def test_the_smallest_useful_file_is_enough(write) -> None:
    settings = load_settings(write(SMALLEST), {})
    assert settings.sources[0].options == {"path": "data/drive_stats"}
    assert settings.targets == ("drive_fails_30d", "dimm_fails_30d", "gpu_fails_30d", "host_fails_30d")
    assert settings.resolve_path(settings.lake.root) == str(write(SMALLEST).parent / "lake")


def test_a_url_is_not_taken_for_a_relative_path(write) -> None:
    settings = load_settings(write(SMALLEST), {"PREFAIL_LAKE__ROOT": "s3://bucket/prefix"})
    assert settings.resolve_path(settings.lake.root) == "s3://bucket/prefix"


def test_the_environment_wins_over_the_file(write) -> None:
    settings = load_settings(
        write(SMALLEST),
        {
            "PREFAIL_LIST__K_PER_DAY": "9",
            "PREFAIL_SOURCES__0__PATH": "elsewhere",
            "PREFAIL_ENVIRONMENT": "prod",
        },
    )
    assert settings.list.k_per_day == 9
    assert settings.sources[0].options == {"path": "elsewhere"}
    assert settings.environment == "prod"


def test_the_file_may_be_named_by_the_environment(write) -> None:
    path = write(SMALLEST)
    assert load_settings(None, {"PREFAIL_CONFIG": str(path)}).sources[0].name == "drives"


def test_every_mistake_is_named_at_once_with_what_would_be_valid(write) -> None:
    text = (
        SMALLEST.replace("drive_stats", "drive_statz", 1)
        + 'colour = "red"\n[list]\nk_per_day = 0\nlenght = 3\n[unknown]\nx = 1\n'
    )
    with pytest.raises(ConfigError) as caught:
        load_settings(write(text), {})
    message = str(caught.value)
    assert "list.k_per_day = 0" in message
    assert "list.lenght is not a setting; did you mean length?" in message
    assert "unknown is not a setting; valid names: approval, drift, environment" in message
    assert "prefail config check" in message
    assert caught.value.facts["problems"].__len__() == 3


def test_names_that_point_at_modules_are_checked(write) -> None:
    text = (
        'targets = ["drive_fails_30"]\n'
        + SMALLEST.replace('"drive_stats"', '"drive_statz"')
        + '\n[[sources]]\nname = "drives"\nkind = "drive_stats"\npth = "x"\n[tickets]\ntracker = "dask"\n'
    )
    with pytest.raises(ConfigError) as caught:
        load_settings(write(text), {})
    message = str(caught.value)
    assert "did you mean drive_stats?" in message
    assert "two sources have this name" in message
    assert "path is missing" in message
    assert "did you mean path?" in message
    assert "'drive_fails_30' is not a target; did you mean drive_fails_30d?" in message
    assert "'dask' is not a tracker; did you mean desk?" in message


def test_a_missing_file_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"No settings file at .*nowhere\.toml"):
        load_settings(tmp_path / "nowhere.toml", {})


@pytest.mark.parametrize("content", [b"[lake\n", b"\xff\xfe", b"a = 1\na = 2\n"])
def test_a_file_that_is_not_toml_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "prefail.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="is not valid TOML"):
        load_settings(path, {})


def test_a_secret_is_masked_when_settings_are_printed(write) -> None:
    settings = load_settings(write(SMALLEST), {"PREFAIL_LAKE__SECRET_ACCESS_KEY": "planted-secret"})
    assert "planted-secret" not in settings.model_dump_json()
    assert "planted-secret" not in repr(settings)
    assert settings.lake.secret_access_key is not None
    assert settings.lake.secret_access_key.get_secret_value() == "planted-secret"

"""Settings of the storage: what is refused, and that no message repeats a secret."""

from pathlib import Path

import pytest

from pipelines.errors import ConfigError
from pipelines.settings import load_settings


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('endpoint_url = "s3.example.org"', "must be http://host"),
        ('endpoint_url = "https://me:planted-password@s3.example.org"', "without a user, password or query"),
        ('bucket_owner = "123"', "lake.bucket_owner = '123'"),
        ('sse = "aes"', "lake.sse = 'aes'"),
        ("multipart_threshold_mb = 1", "lake.multipart_threshold_mb = 1"),
        ("time_limit_seconds = 0", "lake.time_limit_seconds = 0"),
        ('secret_access_key = ["planted-password"]', r"lake.secret_access_key = \(not shown\)"),
        ("session_token = { a = 'planted-password' }", r"lake.session_token = \(not shown\)"),
    ],
)
def test_a_bad_storage_setting_is_named_and_no_secret_repeated(tmp_path: Path, line: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told) as refused:
        load_settings(_write(tmp_path, f"[lake]\n{line}\n"), {})
    assert "planted-password" not in f"{refused.value} {refused.value.facts}"


def test_a_secret_of_digits_only_is_a_secret(tmp_path: Path) -> None:
    settings = load_settings(
        _write(tmp_path), {"PREFAIL_LAKE__SECRET_ACCESS_KEY": "1234567890", "PREFAIL_PSEUDONYM_KEY": "1" * 20}
    )
    assert settings.lake.secret_access_key is not None
    assert settings.lake.secret_access_key.get_secret_value() == "1234567890"
    assert settings.pseudonym_key is not None
    assert settings.pseudonym_key.get_secret_value() == "1" * 20
    assert "1234567890" not in f"{settings!r} {settings.model_dump_json()}"
    assert "1" * 20 not in f"{settings!r} {settings.model_dump_json()}"


def test_the_readers_place_has_settings_of_its_own(tmp_path: Path) -> None:
    settings = load_settings(
        _write(tmp_path, '[publish]\nroot = "s3://lists"\nprofile = "publisher"\n'),
        {"PREFAIL_PUBLISH__SECRET_ACCESS_KEY": "planted"},
    )
    assert settings.publish is not None
    assert (settings.publish.root, settings.publish.profile) == ("s3://lists", "publisher")
    assert settings.lake.profile is None
    assert "planted" not in settings.model_dump_json()


def _write(folder: Path, text: str = "") -> Path:
    path = folder / "prefail.toml"
    path.write_text(text, "utf-8")
    return path

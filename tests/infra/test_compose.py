"""One machine: what compose and its linter say of the file, and that no secret is in it."""

import json
import stat
import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest
import yaml

from pipelines.settings import load_settings
from tests.infra.linters import INFRA, lint

FOLDER = INFRA / "compose"
DIGEST = "sha256:" + "ab" * 32
AIRFLOW_PARTS = {"scheduler", "dag-processor", "triggerer", "api-server"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder as a person has it after the steps of docs/deployment.md."""
    subprocess.run([FOLDER / "make_secrets.sh", tmp_path / "secrets"], check=True, capture_output=True)
    for name in ("compose.yaml", "compose-lint.yml", "prometheus.yaml"):
        (tmp_path / name).write_text((FOLDER / name).read_text("utf-8"), "utf-8")
    example = (FOLDER / "example.env").read_text("utf-8")
    (tmp_path / ".env").write_text(example.replace("_DIGEST=", f"_DIGEST={DIGEST}"), "utf-8")
    (tmp_path / "prefail.toml").write_text((FOLDER / "example.prefail.toml").read_text("utf-8"), "utf-8")
    return tmp_path


def resolve(folder: Path) -> dict[str, dict]:
    """Return the services as compose itself understands the file."""
    result = lint("docker-compose", "-f", folder / "compose.yaml", "config", "--format", "json", cwd=folder)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)["services"]


def test_compose_takes_the_file_only_with_every_digest(folder: Path) -> None:
    services = resolve(folder)
    assert services.keys() == AIRFLOW_PARTS | {"init", "postgres", "objects", "prometheus", "pushgateway"}
    assert all(service["image"].endswith(f"@{DIGEST}") for service in services.values())
    (folder / ".env").write_text("", "utf-8")
    result = lint("docker-compose", "-f", folder / "compose.yaml", "config", "--quiet", cwd=folder)
    assert result.returncode != 0
    assert "PREFAIL_DIGEST" in result.stderr


def test_the_linter_finds_nothing_and_would_find_a_privileged_service(folder: Path) -> None:
    arguments = ("check", "--config", "compose-lint.yml", "--strict-config", "--fail-on", "medium")
    result = lint("compose-lint", *arguments, "compose.yaml", cwd=folder)
    assert result.returncode == 0, result.stdout
    path = folder / "compose.yaml"
    path.write_text(path.read_text("utf-8").replace("  init: true\n", "  init: true\n  privileged: true\n"))
    careless = lint("compose-lint", *arguments, "compose.yaml", cwd=folder)
    assert careless.returncode == 1
    assert "privileged" in careless.stdout


def test_every_service_restarts_says_whether_it_is_well_and_has_a_limit(folder: Path) -> None:
    services = resolve(folder)
    init = services.pop("init")
    assert init["restart"] == "no"
    for name, service in services.items():
        assert service["restart"] == "unless-stopped", name
        assert service["healthcheck"]["test"], name
        assert int(service["mem_limit"]) > 0, name
    for name in AIRFLOW_PARTS:
        assert services[name]["depends_on"]["init"]["condition"] == "service_completed_successfully"


def test_no_health_check_asks_by_head(folder: Path) -> None:
    """Pushgateway answers HEAD, which `wget --spider` sends, with 405: the service would never be well."""
    checks = [" ".join(s["healthcheck"]["test"]) for s in resolve(folder).values() if "healthcheck" in s]
    assert any("9091" in check for check in checks)
    assert not any("--spider" in check for check in checks)


def test_only_this_machine_reaches_the_pages(folder: Path) -> None:
    ports = [port for service in resolve(folder).values() for port in service.get("ports", [])]
    assert {port["target"] for port in ports} == {8080, 9090}
    assert {port["host_ip"] for port in ports} == {"127.0.0.1"}


def test_no_secret_is_in_the_file_or_in_what_a_container_shows(folder: Path) -> None:
    secrets = {path.name: path.read_text("utf-8") for path in (folder / "secrets").iterdir()}
    declared = yaml.safe_load((FOLDER / "compose.yaml").read_text("utf-8"))["secrets"]
    assert declared.keys() == secrets.keys()
    shown = json.dumps(resolve(folder))
    assert not any(secret.strip() in shown for secret in secrets.values())
    for service in resolve(folder).values():
        for name, value in service.get("environment", {}).items():
            if any(word in name for word in ("SECRET", "PASSWORD", "KEY", "CONN")):
                assert "/run/secrets/" in value, name


def test_secrets_are_made_once_differ_and_are_closed_to_others(folder: Path) -> None:
    first = {path.name: path.read_text("utf-8") for path in (folder / "secrets").iterdir()}
    assert len(set(first.values())) == len(first)
    assert stat.S_IMODE((folder / "secrets").stat().st_mode) == 0o700
    (folder / "secrets" / "jwt_secret").unlink()
    subprocess.run([FOLDER / "make_secrets.sh", folder / "secrets"], check=True, capture_output=True)
    second = {path.name: path.read_text("utf-8") for path in (folder / "secrets").iterdir()}
    assert {name for name in first if first[name] != second[name]} == {"jwt_secret"}
    credentials = ConfigParser()
    credentials.read_string(first["s3_credentials"])
    identity = json.loads(first["s3_identities"])["identities"][0]["credentials"][0]
    assert identity["accessKey"] == credentials["default"]["aws_access_key_id"]
    assert identity["secretKey"] == credentials["default"]["aws_secret_access_key"]


def test_the_example_settings_are_settings() -> None:
    settings = load_settings(FOLDER / "example.prefail.toml", {})
    assert settings.lake.endpoint_url == "http://objects:8333"


@pytest.mark.service
def test_prometheus_takes_its_file_and_the_alert_rules(tmp_path: Path) -> None:
    # Side by side, as compose.yaml mounts them.
    for path in (FOLDER / "prometheus.yaml", INFRA / "monitoring" / "prefail-alerts.yaml"):
        (tmp_path / path.name).write_text(path.read_text("utf-8"), "utf-8")
    done = subprocess.run(
        ["promtool", "check", "config", tmp_path / "prometheus.yaml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr

"""The template: what two linters say of it, and its roles on a real S3 server, step by step."""

import datetime as dt
import json
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from pipelines.build import build_day
from pipelines.collect_outcomes import collect_outcomes_day
from pipelines.day_check import check_last_days
from pipelines.errors import PermanentError
from pipelines.lake import Lake, open_lake
from pipelines.lake_format import FORMAT_KEY, read_format
from pipelines.monitoring.drift_gate import check_drift
from pipelines.monitoring.send_figures import send_figures_day
from pipelines.publish import publish_day
from pipelines.published_list import read_latest
from pipelines.run_record import run_recorded
from pipelines.s3.store import S3Store
from pipelines.settings import Settings
from pipelines.shard_scoring import gather_shards, list_shard_groups, score_shards
from pipelines.ticket_step import reconcile_tickets_day
from tests.infra.linters import lint
from tests.infra.template_roles import BUCKETS, TEMPLATE, Role, read_roles, read_template
from tests.object_storage.seaweed_server import SeaweedServer
from tests.object_storage.small_fleet import DAYS, fill_day, write_settings


def check_security(template: Path) -> list[str]:
    """Return the ids of the checks that fail."""
    arguments = (
        "--framework",
        "cloudformation",
        "--skip-download",
        "--quiet",
        "--compact",
        "--output",
        "json",
    )
    result = lint("checkov", "--file", str(template), *arguments)
    report = json.loads(result.stdout)
    assert report["summary"]["passed"] + report["summary"]["failed"] > 50, result.stdout
    return sorted(failed["check_id"] for failed in report["results"]["failed_checks"])


@pytest.mark.slow
def test_the_template_is_what_cloudformation_takes() -> None:
    result = lint("cfn-lint", "--non-zero-exit-code", "warning", str(TEMPLATE))
    assert (result.returncode, result.stdout) == (0, "")
    # CloudFormation itself refuses YAML aliases, which the linter allows.
    assert not re.search(r"[:-] [&*]\w", TEMPLATE.read_text("utf-8"))


@pytest.mark.slow
def test_no_security_check_fails_and_a_public_bucket_would(tmp_path: Path) -> None:
    assert check_security(TEMPLATE) == []
    careless = tmp_path / "lake.yaml"
    careless.write_text(
        TEMPLATE.read_text("utf-8").replace("BlockPublicAcls: true", "BlockPublicAcls: false")
    )
    assert set(check_security(careless)) == {"CKV_AWS_53"}


def test_every_bucket_is_private_encrypted_versioned_and_tidies_up() -> None:
    buckets = [
        resource["Properties"]
        for resource in read_template()["Resources"].values()
        if resource["Type"] == "AWS::S3::Bucket"
    ]
    assert len(buckets) == 3
    for bucket in buckets:
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
        rules = bucket["LifecycleConfiguration"]["Rules"]
        assert any("AbortIncompleteMultipartUpload" in rule for rule in rules)


@pytest.fixture(scope="module")
def roles() -> dict[str, Role]:
    return read_roles()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, roles: dict[str, Role]) -> Iterator[SeaweedServer]:
    """Return a server whose identities may do what the template's roles may."""
    identities = tuple(role.identity for role in roles.values())
    server = SeaweedServer(folder=tmp_path_factory.mktemp("seaweed"), more_identities=identities)
    server.start()
    try:
        for bucket in BUCKETS.values():
            server.create_bucket(bucket)
        yield server
    finally:
        server.kill()


@pytest.mark.service
def test_each_step_runs_with_its_own_role(
    server: SeaweedServer, roles: dict[str, Role], tmp_path: Path
) -> None:
    readers = server.settings(roles["Publish"].credentials, root="s3://readers")
    settings: Settings = write_settings(tmp_path).model_copy(update={"publish": readers})

    def as_role(name: str) -> Lake:
        return open_lake("s3://lake", server.settings(roles[name].credentials))

    for day in DAYS[:4]:
        fill_day(day, settings, as_role("Extract"))
    # Each step leaves its record, too, as from Airflow and the command line.
    run_recorded(build_day, DAYS[3], settings, as_role("Extract"))
    groups = list_shard_groups(DAYS[3], settings, as_role("Publish"))
    # Shard group by shard group, as by Airflow.
    scored = [partial(score_shards, group) for group in groups]
    for step in (*scored, partial(gather_shards, groups), check_drift, publish_day):
        run_recorded(step, DAYS[3], settings, as_role("Publish"))
    seen = read_latest(open_lake("s3://readers", server.settings(roles["Read"].credentials)))
    assert seen is not None
    assert seen.day == DAYS[3]
    today = DAYS[3] + dt.timedelta(days=1)
    run_recorded(partial(reconcile_tickets_day, today=today), DAYS[3], settings, as_role("Publish"))
    run_recorded(collect_outcomes_day, DAYS[3], settings, as_role("Collect"))
    run_recorded(check_last_days, DAYS[3], settings, as_role("Publish"))
    run_recorded(send_figures_day, DAYS[3], settings, as_role("Publish"))


WRITABLE = {
    "Extract": {
        *("raw_drive_smart", "raw_outcomes", "core_drive_days", "core_failures"),
        *("verdicts", "quarantine", "ingested", "data_docs", "monitoring/runs"),
    },
    "Train": {"models", "registry", "backtests", "cache", "monitoring/runs"},
    "Publish": {
        *("out_predictions", "scored_shards", "published", "tickets"),
        *("monitoring/drift", "monitoring/runs", "cache"),
        *("verdicts", "quarantine", "data_docs"),
    },
    "Collect": {
        *("raw_outcomes", "core_failures", "realised_rates"),
        *("cache", "verdicts", "quarantine", "monitoring/runs"),
    },
    "Read": set(),
}


@pytest.mark.service
@pytest.mark.parametrize("name", WRITABLE)
def test_a_role_writes_where_its_step_does_and_nowhere_else(
    server: SeaweedServer, roles: dict[str, Role], name: str
) -> None:
    store = S3Store.open("s3://lake", server.settings(roles[name].credentials))
    allowed = set()
    for folder in sorted(set().union(*WRITABLE.values())):
        try:
            store.write(f"{folder}/probe", b"")
        except PermanentError as refused:
            if refused.facts["code"] != "AccessDenied":
                raise
        else:
            allowed.add(folder)
    assert allowed == WRITABLE[name]


@pytest.mark.service
@pytest.mark.parametrize(("name", "may_write"), [("Extract", True), ("Train", False), ("Publish", False)])
def test_every_step_reads_the_format_and_only_the_first_writes_it(
    server: SeaweedServer, roles: dict[str, Role], name: str, may_write: bool
) -> None:
    open_lake("s3://lake", server.settings()).write_json(
        FORMAT_KEY, {"lake": 1, "registry": 1, "release": "1"}
    )
    lake = open_lake("s3://lake", server.settings(roles[name].credentials))
    assert read_format(lake).release == "1"
    if may_write:
        lake.write_json(FORMAT_KEY, {"lake": 1, "registry": 1, "release": "2"})
    else:
        with pytest.raises(PermanentError, match="AccessDenied"):
            lake.write_json(FORMAT_KEY, {})


@pytest.mark.service
def test_readers_see_the_lists_and_nothing_of_the_lake(server: SeaweedServer, roles: dict[str, Role]) -> None:
    server_side = S3Store.open("s3://lake", server.settings())
    server_side.write("core_drive_days/probe", b"1")
    reader = S3Store.open("s3://lake", server.settings(roles["Read"].credentials))
    with pytest.raises(PermanentError, match="AccessDenied"):
        reader.read("core_drive_days/probe")
    with pytest.raises(PermanentError, match="AccessDenied"):
        list(reader.list_keys(""))

"""Each way a server refuses has its own message and next step, and none of them holds a credential."""

import logging
import pickle
from collections.abc import Callable

import pytest

from pipelines.errors import ConfigError, PermanentError, PrefailError
from pipelines.object_store import ObjectStore
from pipelines.s3.store import S3Store
from tests.object_storage.fault_proxy import CannedAnswer, FaultProxy
from tests.object_storage.seaweed_server import PIPELINE, PUBLISHER, READ_ONLY, SeaweedServer

pytestmark = pytest.mark.service

ACTS: dict[str, Callable[[ObjectStore], object]] = {
    "read": lambda store: store.read("a"),
    "write": lambda store: store.write("a", b""),
    "exists": lambda store: store.exists("a"),
    "list": lambda store: list(store.list_keys("a/")),
    "delete": lambda store: store.delete("a"),
}
every_act = pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)


@every_act
def test_a_wrong_secret_is_told_from_an_unknown_key(
    seaweed: SeaweedServer, s3_root: str, act: Callable[[ObjectStore], object]
) -> None:
    with pytest.raises(PermanentError, match=r"SignatureDoesNotMatch.*The secret does not belong to the key"):
        act(S3Store.open(s3_root, seaweed.settings((PIPELINE[0], "wrong"))))
    with pytest.raises(PermanentError, match=r"InvalidAccessKeyId.*does not know the key id"):
        act(S3Store.open(s3_root, seaweed.settings(("nobody", PIPELINE[1]))))


@every_act
def test_a_missing_bucket_is_told_from_a_missing_object(
    seaweed: SeaweedServer, act: Callable[[ObjectStore], object]
) -> None:
    with pytest.raises(PermanentError, match=r"NoSuchBucket.*correct lake\.root"):
        act(S3Store.open("s3://no-such-bucket/lake", seaweed.settings()))


def test_a_read_only_identity_reads_and_cannot_write(seaweed: SeaweedServer, s3_store: S3Store) -> None:
    s3_store.write("a", b"1")
    reader = S3Store.open(s3_store.root, seaweed.settings(READ_ONLY))
    assert reader.read("a") == b"1"
    for act in (ACTS["write"], ACTS["delete"]):
        with pytest.raises(PermanentError, match=r"AccessDenied.*Use the role meant for the step"):
            act(reader)
    assert s3_store.read("a") == b"1"


def test_an_identity_for_one_bucket_is_refused_at_another(seaweed: SeaweedServer, s3_store: S3Store) -> None:
    s3_store.write("a", b"1")
    S3Store.open("s3://lists/published", seaweed.settings(PUBLISHER)).write("b", b"2")
    publisher = S3Store.open(s3_store.root, seaweed.settings(PUBLISHER))
    for act in ACTS.values():
        with pytest.raises(PermanentError, match="AccessDenied"):
            act(publisher)


def test_a_bucket_of_another_account_is_told_from_a_missing_permission(
    seaweed: SeaweedServer, fault_proxy: FaultProxy, s3_root: str
) -> None:
    # SeaweedFS ignores the header; AWS answers like this where the owner is another.
    fault_proxy.answer_if(
        lambda head: b"x-amz-expected-bucket-owner: 111122223333" in head.lower(),
        CannedAnswer(status=403, code="AccessDenied"),
    )
    options = seaweed.settings(endpoint_url=fault_proxy.endpoint_url, bucket_owner="111122223333")
    for act in ACTS.values():
        with pytest.raises(PermanentError, match=r"belongs to another account than 111122223333"):
            act(S3Store.open(s3_root, options))


@pytest.mark.parametrize(
    ("status", "code", "next_step"),
    [
        (400, "ExpiredToken", "The session token has expired. Log in again"),
        (403, "InvalidToken", "Log in again"),
        (403, "RequestTimeTooSkewed", "Set the clock"),
        (403, "AllAccessDisabled", "closed to everybody"),
        (400, "KMS.NotFoundException", "Correct lake.kms_key_id"),
    ],
)
def test_refusals_of_aws_that_no_local_server_gives_name_their_next_step(
    seaweed: SeaweedServer, fault_proxy: FaultProxy, s3_root: str, status: int, code: str, next_step: str
) -> None:
    fault_proxy.answer_if(lambda _: True, CannedAnswer(status=status, code=code))
    options = seaweed.settings(endpoint_url=fault_proxy.endpoint_url, session_token="planted-token")
    for act in ACTS.values():
        with pytest.raises(PermanentError, match=next_step):
            act(S3Store.open(s3_root, options))


def test_no_credentials_at_all_is_said_before_anything_is_sent(
    seaweed: SeaweedServer, s3_root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    options = seaweed.settings(access_key_id=None, secret_access_key=None)
    with pytest.raises(PermanentError, match=r"There are no credentials\. Set PREFAIL_LAKE__ACCESS_KEY_ID"):
        S3Store.open(s3_root, options).read("a")


def test_the_standard_chain_is_used_where_the_settings_name_no_key(
    seaweed: SeaweedServer, s3_root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", PIPELINE[0])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", PIPELINE[1])
    S3Store.open(s3_root, seaweed.settings(access_key_id=None, secret_access_key=None)).write("a", b"1")


def test_settings_that_cannot_work_are_named(seaweed: SeaweedServer, s3_root: str) -> None:
    with pytest.raises(ConfigError, match=r"lake\.ca_bundle = 'nowhere\.pem' is no file"):
        S3Store.open(s3_root, seaweed.settings(ca_bundle="nowhere.pem"))
    with pytest.raises(PermanentError, match=r"Correct lake\.profile"):
        S3Store.open(s3_root, seaweed.settings(profile="no-such-profile"))
    with pytest.raises(PermanentError, match=r"Correct lake\.root"):
        S3Store.open("s3://Not_A_Bucket!/x", seaweed.settings()).read("a")


PLANTED = ("plantedKeyId", "planted-secret-PASSWORD", "planted-token-PASSWORD")


def test_no_credential_reaches_a_log_line_or_an_error(
    seaweed: SeaweedServer, fault_proxy: FaultProxy, s3_root: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    key_id, secret, token = PLANTED
    options = seaweed.settings(
        (key_id, secret), session_token=token, endpoint_url=fault_proxy.endpoint_url, time_limit_seconds=1
    )
    told = []
    for _ in range(2):
        for act in ACTS.values():
            with pytest.raises(PrefailError) as refused:
                act(S3Store.open(s3_root, options))
            error: BaseException | None = refused.value
            while error is not None:
                told.append(f"{error!s} {error!r} {vars(error)}")
                error = error.__cause__ or error.__context__
            told.append(repr(pickle.loads(pickle.dumps(refused.value)).facts))
        fault_proxy.reset_every_connection()
    everything = "\n".join([*told, caplog.text, repr(options), options.model_dump_json()])
    assert "could not be" in everything
    assert secret not in everything
    assert token not in everything

"""How long requests are tried again, on a clock that the test moves."""

from dataclasses import dataclass, field

import botocore.exceptions
import pytest

from pipelines.s3.errors import FOREIGN_ERRORS
from pipelines.s3.retries import GaveUpError, RetryPolicy


@dataclass(kw_only=True)
class Clock:
    now: float = 0.0
    waits: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    def policy(self, limit: float = 300, jitter: float = 1.0) -> RetryPolicy:
        return RetryPolicy(
            time_limit_seconds=limit, sleep=self.sleep, clock=lambda: self.now, jitter=lambda: jitter
        )


def refuse(code: str, status: int, **headers: str) -> Exception:
    reply = {
        "Error": {"Code": code, "Message": ""},
        "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": headers},
    }
    return botocore.exceptions.ClientError(reply, "GetObject")


def run(policy: RetryPolicy, *outcomes: Exception | str) -> str:
    left = list(outcomes)

    def attempt(_: int) -> str:
        outcome = left.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return policy.run(attempt, FOREIGN_ERRORS)


def test_waits_grow_and_stay_below_their_limit() -> None:
    clock = Clock()
    assert run(clock.policy(), *[refuse("InternalError", 500)] * 9, "done") == "done"
    assert clock.waits == pytest.approx([0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 20, 20])


def test_jitter_takes_at_most_half() -> None:
    clock = Clock()
    run(clock.policy(jitter=0.0), refuse("InternalError", 500), "done")
    assert clock.waits == pytest.approx([0.1])


def test_a_throttled_request_starts_at_a_second_and_obeys_the_server() -> None:
    clock = Clock()
    run(clock.policy(), refuse("SlowDown", 503), refuse("SlowDown", 503, **{"retry-after": "9"}), "done")
    assert clock.waits == [1, 9]


def test_the_time_limit_is_never_slept_over() -> None:
    clock = Clock()
    with pytest.raises(GaveUpError) as gave_up:
        run(clock.policy(limit=3), *[refuse("InternalError", 500)] * 20)
    assert clock.now <= 3
    assert gave_up.value.n_attempts == 5


def test_requests_that_belong_together_share_one_time_limit() -> None:
    clock = Clock()
    policy = clock.policy(limit=10)
    deadline = policy.deadline()
    clock.now = 9.9

    def fail(_: int) -> None:
        raise refuse("InternalError", 500)

    with pytest.raises(GaveUpError) as gave_up:
        policy.run(fail, FOREIGN_ERRORS, deadline=deadline)
    assert gave_up.value.n_attempts == 1


@pytest.mark.parametrize(
    "error", [refuse("AccessDenied", 403), refuse("NoSuchKey", 404), refuse("NotImplemented", 501)]
)
def test_what_a_person_must_change_is_not_tried_again(error: Exception) -> None:
    clock = Clock()
    with pytest.raises(GaveUpError):
        run(clock.policy(), error, "never")
    assert clock.waits == []

"""Errors: two answers for a scheduler, facts as attributes, and they survive a process boundary."""

import pickle

import pytest

from pipelines import errors
from pipelines.errors import PermanentError, PrefailError, TransientError

KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, PrefailError) and kind is not PrefailError
]


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_pickles_with_its_facts(kind: type[PrefailError]) -> None:
    error = pickle.loads(pickle.dumps(kind("what happened", day="2026-02-01", n_rows=3)))
    assert type(error) is kind
    assert str(error) == "what happened"
    assert error.facts == {"day": "2026-02-01", "n_rows": 3}


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_is_either_tried_again_or_needs_a_person(kind: type[PrefailError]) -> None:
    assert issubclass(kind, TransientError) != issubclass(kind, PermanentError)
    assert kind.exit_code == (75 if issubclass(kind, TransientError) else 1)

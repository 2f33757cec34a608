"""Which failures a scheduler may try again, and which need a person.

Every error that leaves a step is one of two: ``TransientError`` (exit code 75, retried) or
``PermanentError`` (exit code 1, not retried). Facts are attributes, so that a log reader or a test
need not parse the message. Errors pickle: Airflow moves them between processes.
"""

from typing import Self


class PrefailError(Exception):
    """Something went wrong that we can name. ``facts`` holds what, where and how much."""

    exit_code = 1

    def __init__(self, message: str, **facts: object) -> None:
        super().__init__(message)
        self.message = message
        self.facts = facts

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.message, self.facts)

    def with_facts(self, **facts: object) -> Self:
        """Return the same error that knows more."""
        return type(self)(self.message, **{**self.facts, **facts})


def _rebuild(kind: type[PrefailError], message: str, facts: dict[str, object]) -> PrefailError:
    return kind(message, **facts)


class TransientError(PrefailError):
    """The outside world was not ready; the same call may succeed later."""

    exit_code = 75  # EX_TEMPFAIL of sysexits.h


class PermanentError(PrefailError):
    """The same call will fail again until a person changes something."""


class ConfigError(PermanentError):
    """The settings are wrong; every wrong name and value is in the message."""


class SourceError(PermanentError):
    """A source file or reply can't be read as what it claims to be; nothing of it was written."""


class MissingInputError(PermanentError):
    """A step was asked for a day whose input does not exist (yet)."""


class ContractBlockedError(PermanentError):
    """A contract's block rule failed or could not run; nothing was published."""


class ModelRefusedError(PermanentError):
    """A model's digest, format or features are not what its card says."""


class LeakAlarmError(PermanentError):
    """A figure is too good or a feature knows the future; nothing was promoted."""


class DriftBlockedError(PermanentError):
    """A day's inputs are not what the models learned from; its list was not published."""


class LakeFormatError(PermanentError):
    """The lake has a layout that this release does not know; nothing was read or written."""


class VerificationError(PermanentError):
    """A published list can't be re-created from what it claims to be made of."""


class StorageError(TransientError):
    """The lake could not be read or written for a reason that may pass."""


class StorageFullError(TransientError):
    """No space left; what was published stays as it was."""


class WriteLostError(PermanentError):
    """A conditional write found that somebody else had written first."""


class TrackerError(TransientError):
    """The ticketing system did not answer as it should; the published list is not affected."""

"""What may be wrong with one ticket while all others are fine: a run carries on and says it at its end."""

from pipelines.errors import PermanentError, TrackerError


class ClaimHeldError(TrackerError):
    """Another run may be opening this very ticket; nobody knows yet whether it did."""


class TicketGoneError(PermanentError):
    """A ticket that Prefail opened was deleted, merged, or given another key by a person."""


class TicketDeletedError(TicketGoneError):
    """It is no longer there under its number: deleted, merged into another, or moved to another place."""


# Every other error says something about the tracker itself, and ends the run where it is.
ONE_TICKET_ERRORS = (ClaimHeldError, TicketGoneError)


def is_without_effect(error: Exception) -> bool:
    """Return whether the tracker surely did nothing: it refused the request or never received it."""
    return isinstance(error, TrackerError | PermanentError) and error.facts.get("had_no_effect") is True

"""The project, repository or queue that settings name: looked at once, before anything is searched in it."""

from pipelines.errors import ConfigError, PermanentError
from pipelines.tickets.remote.http_door import HttpDoor
from pipelines.tickets.remote.http_errors import UNAFFECTED
from pipelines.tickets.remote.reply import JsonValue
from pipelines.tickets.ticket_errors import TicketDeletedError

_NOT_THERE = (301, 302, 403, 404, 410)


def read_place(door: HttpDoor, path: str, option: str, name: str) -> JsonValue:
    """Return what the tracker says of a place; ``ConfigError`` if there is none for this account."""
    try:
        return door.get(path).json()
    except PermanentError as error:
        if error.facts.get("status") not in _NOT_THERE:
            raise
        raise ConfigError(
            f"The tracker has no {option} {name!r}, or the account may not see it ({error.facts['status']}). "
            f"No ticket was touched. {UNAFFECTED}. Correct tickets.options.{option} or grant the account access, "
            "then run the same command again.",
            had_no_effect=True,
            **{option: name},
        ) from error


def read_ticket(door: HttpDoor, path: str, issue_id: str) -> JsonValue:
    """Return one issue; ``TicketDeletedError`` where the tracker says that it is gone."""
    try:
        return door.get(path).json()
    except PermanentError as error:
        if error.facts.get("status") not in (301, 302, 404, 410):
            raise
        where = "moved to another place" if error.facts["status"] in (301, 302) else "deleted"
        raise TicketDeletedError(
            f"Ticket {issue_id} was {where}, or the account may no longer see it.",
            ticket_id=issue_id,
            had_no_effect=True,
        ) from error

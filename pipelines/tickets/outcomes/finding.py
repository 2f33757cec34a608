"""The words of raw_outcomes, and what each says about the part."""

from enum import StrEnum

from pipelines.tickets.tracker import Outcome


class Finding(StrEnum):
    """What a closed ticket says about its part.

    The first five are what a technician found. ``replaced_unconfirmed``: the part left on our advice
    and nobody says that it was bad. ``unknown``: nobody said anything that can be read.
    """

    CONFIRMED = "confirmed"
    NO_FAULT_FOUND = "no_fault_found"
    RESEATED = "reseated"
    FIRMWARE = "firmware"
    DECLINED = "declined"
    REPLACED_UNCONFIRMED = "replaced_unconfirmed"
    UNKNOWN = "unknown"


CHANGED_UNCONFIRMED = (Finding.REPLACED_UNCONFIRMED, Finding.RESEATED, Finding.FIRMWARE)
"""The visit changed the part, so its later life says nothing about how it would have gone on."""

FINDING_OF_OUTCOME = {
    Outcome.CONFIRMED: Finding.CONFIRMED,
    Outcome.NO_FAULT_FOUND: Finding.NO_FAULT_FOUND,
    Outcome.RESEATED: Finding.RESEATED,
    Outcome.FIRMWARE: Finding.FIRMWARE,
    Outcome.DECLINED: Finding.DECLINED,
}
"""A technician's own word in the tracker's field."""

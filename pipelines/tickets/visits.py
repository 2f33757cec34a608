"""In which order candidates are drawn: by rank, but one walk to a rack does what is worth doing there."""

from collections.abc import Collection, Sequence

from pipelines.tickets.entries import Entry


def order_by_visit(
    entries: Sequence[Entry], visited: Collection[str], at_least_risk_share: float | None
) -> list[Entry]:
    """Return ``entries``, given in rank order, in the order in which they are drawn.

    ``visited`` are the racks in which a ticket is open. The first in rank of a rack that is visited goes
    next, if its risk is at least ``at_least_risk_share`` of the risk of the entry that it overtakes; else
    that one does, and its rack is visited, too. Null: by rank alone.
    """
    waiting = list(entries)
    if at_least_risk_share is None:
        return waiting
    racks = set(visited)
    drawn: list[Entry] = []
    while waiting:
        first = waiting[0]
        least = at_least_risk_share * first.risk
        chosen = next((one for one in waiting if one.place in racks and one.risk >= least), first)
        waiting.remove(chosen)
        drawn.append(chosen)
        if chosen.place is not None:
            racks.add(chosen.place)
    return drawn

"""Whether a spare part is there for a ticket, in words."""

from pipelines.tickets.policy_document import Spares
from pipelines.tickets.standing import Standing
from pipelines.tickets.wording import count_of


def describe_spare(
    model: str, spares: Spares | None, standing: Standing, *, is_promised: bool = False
) -> str | None:
    """Return whether the stock covers the open tickets of a hardware model; null where nobody counts it.

    ``is_promised``: the ticket in question is among those that ``standing`` counts.
    """
    if spares is None or model not in spares.in_stock:
        return None
    n_stock, n_promised = spares.in_stock[model], standing.n_reserved[model]
    n_others = max(0, n_promised - is_promised)
    if n_others < n_stock:
        return f"{n_stock} in stock, {n_others} of them promised to other tickets"
    return f"waits for a part: {n_stock} in stock, for {count_of(n_others, 'other open ticket')}"

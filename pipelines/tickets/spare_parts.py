"""Whether a spare part is there for a ticket, in words."""

from features.words import count_of
from pipelines.tickets.policy_document import Spares
from pipelines.tickets.standing import Standing


def describe_spare(model: str, spares: Spares | None, standing: Standing) -> str | None:
    """Return whether the stock covers a ticket about a hardware model; null where nobody counts it.

    The ticket itself is among those that ``standing`` counts.
    """
    if spares is None or model not in spares.in_stock:
        return None
    n_stock = spares.in_stock[model]
    # Tickets of before the hardware model was kept are counted nowhere.
    n_others = max(0, standing.n_reserved[model] - 1)
    if n_others < n_stock:
        return f"{n_stock} in stock, {n_others} of them promised to other tickets"
    return f"waits for a part: {n_stock} in stock, for {count_of(n_others, 'other open ticket')}"

"""What the open tickets of a day use up: its budgets, hosts of redundancy groups, spare parts."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from pipelines.tickets.tracker import Ticket


class Standing:
    """A tally that grows as a plan is made. ``groups``: redundancy group per host."""

    def __init__(self, groups: Mapping[str, str]) -> None:
        self._groups = groups
        self._hosts_of_group: defaultdict[str, set[str]] = defaultdict(set)
        self.n_opened = 0
        self.n_opened_at: Counter[str] = Counter()
        self.n_reserved: Counter[str] = Counter()

    @classmethod
    def of_tickets(
        cls, open_tickets: Iterable[Ticket], opened_today: Iterable[Ticket], groups: Mapping[str, str]
    ) -> "Standing":
        """Return the tally of what is there before the plan.

        ``opened_today`` counts against the budgets even where somebody has closed it since.
        """
        standing = cls(groups)
        for ticket in open_tickets:
            standing.hold(ticket.record.busy_host, ticket.record.hardware_model)
        for ticket in opened_today:
            standing.count_new(ticket.record.site)
        return standing

    def hold(self, host_id: str | None, hardware_model: str | None) -> None:
        """Count an open ticket: its host is out of its group, a spare part is promised to it; null where none is."""
        if host_id is not None and (group := self._groups.get(host_id)):
            self._hosts_of_group[group].add(host_id)
        if hardware_model is not None:
            self.n_reserved[hardware_model] += 1

    def count_new(self, site: str | None) -> None:
        """Count a ticket that is new today."""
        self.n_opened += 1
        self.n_opened_at[site or ""] += 1

    def group_of(self, host_id: str) -> str | None:
        """Return the redundancy group of a host, null if it is in none."""
        return self._groups.get(host_id)

    def hosts_of(self, group: str) -> frozenset[str]:
        """Return the hosts of a redundancy group that have an open ticket."""
        return frozenset(self._hosts_of_group[group])

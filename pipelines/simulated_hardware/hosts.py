"""The hosts of the simulated fleet: what each is called and where it stands.

The names are those that the location columns of its Drive Stats files give, so that logs, inventory and
drives speak of the same hosts.
"""

from dataclasses import dataclass

CLUSTERS = ("phx1", "sac2", "ams5")
PODS_PER_VAULT = 20
FIRST_VAULT = 1000


@dataclass(frozen=True, kw_only=True)
class HostPlace:
    """One host; ``redundancy_group`` is what must not lose many hosts at once."""

    host_id: str
    site: str
    rack: str
    redundancy_group: str


# Copies of the same data; neighbours, so that one visit can see that no two of them are open.
_HOSTS_PER_GROUP = 4


def place_of(host: int) -> HostPlace:
    """Return name and place of the host with this number, counted from 0."""
    vault, pod = divmod(host, PODS_PER_VAULT)
    site = CLUSTERS[vault % len(CLUSTERS)]
    rack = f"c0-v{FIRST_VAULT + vault}"
    return HostPlace(
        host_id=f"{site}-{rack}-p{pod}",
        site=site,
        rack=rack,
        redundancy_group=f"{site}-{rack}-g{pod // _HOSTS_PER_GROUP}",
    )

"""Two tickets have one key exactly if environment, host, component and target are the same."""

from hypothesis import given
from hypothesis import strategies as st

from pipelines.tickets.ticket_key import TicketKey

parts = st.tuples(*[st.text(alphabet="ab/%|: é", max_size=4)] * 4)


def make_key(values: tuple[str, str, str, str]) -> TicketKey:
    environment, host_id, component_id, target = values
    return TicketKey(environment=environment, host_id=host_id, component_id=component_id, target=target)


@given(one=parts, other=parts)
def test_keys_are_equal_exactly_if_all_four_parts_are(
    one: tuple[str, str, str, str], other: tuple[str, str, str, str]
) -> None:
    assert (make_key(one).text == make_key(other).text) == (one == other)
    assert (make_key(one).digest == make_key(other).digest) == (one == other)


def test_a_key_never_changes_between_versions() -> None:
    """Open tickets out there are found by this digest; another value would open all of them anew."""
    key = make_key(("default", "unknown:ZA1", "ZA1", "drive_fails_30d"))
    assert key.text == "default/unknown:ZA1/ZA1/drive_fails_30d"
    assert key.digest == "9eb819707c2199f1"

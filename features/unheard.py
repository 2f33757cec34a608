"""Which zeros nobody can vouch for: the source that would have spoken of an error is silent."""

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from features.component_kinds import ComponentKind


@dataclass(frozen=True, kw_only=True)
class UnheardSignals:
    """Signals of a kind that a silent source used to feed.

    ``hosts``: by signal, the hosts (string) on whose components having no row says nothing. ``spoken_of``: the
    signals that any source spoke of in the week before.
    """

    hosts: Mapping[str, pa.Array]
    spoken_of: frozenset[str]

    def is_unheard(self, signal: str, hosts: pa.Array) -> pa.Array:
        """Return for each host whether silence about the signal says nothing."""
        if signal not in self.hosts:
            return pa.repeat(pa.scalar(False), len(hosts))
        return pc.is_in(hosts, value_set=self.hosts[signal])


NOTHING_UNHEARD = UnheardSignals(hosts={}, spoken_of=frozenset())


def without_the_unjudged(kind: ComponentKind, days: pa.Table, unheard: UnheardSignals) -> pa.Table:
    """Return the days of parts but those of which every signal that matters is away with a silent source.

    A zero of a signal that nobody spoke of in a week is no evidence that a part was watched. Of a host any line
    is evidence enough.
    """
    hosts = days["host_id"].combine_chunks()
    is_cut_off = pa.repeat(pa.scalar(False), days.num_rows)
    is_judged = is_cut_off
    for signal in kind.signals:
        is_cut_off = pc.or_(is_cut_off, unheard.is_unheard(signal.name, hosts))
        if signal.absent is None or signal.name in unheard.spoken_of:
            is_judged = pc.or_(is_judged, pc.is_valid(days[signal.name].combine_chunks()))
    return days.filter(pc.or_(pc.invert(is_cut_off), is_judged))

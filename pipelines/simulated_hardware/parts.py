"""DIMMs, GPUs and boards of the simulated hosts: which sits where, and when each fails.

Like the drives, all are drawn once from the seed for the whole span; a day is then a look at it.

- Lifetimes are exponential: over the years of service the failure rate of DRAM hardly depends on age
  (Sridharan et al., "Memory Errors in Modern Systems", 2015).
- Rates are to those of the drives as in large fleets: GPUs fail several times as often (9 % a year in
  Llama Team, "The Llama 3 Herd of Models", 2024, table 5), boards about as often, DIMMs less often.
- Six failing DIMMs of ten have corrected errors 5 to 40 days before; the others fail without a sign.
- A failed part's slot gets a new part within days. A host keeps its name when its board is changed.
"""

import functools
from dataclasses import dataclass

import numpy as np

from pipelines.fleet_simulation import FleetPlan, Ints
from pipelines.simulated_hardware.hosts import place_of

_HOSTS_PER_GPU_HOST = 6
_FIRST_GPU_HOST = 2
_NEVER = np.int64(1 << 40)
_YEAR_DAYS = 365.25

# The board's names of its DIMMs, as EDAC prints them once they are registered: four channels a socket.
DIMM_SLOTS = tuple(f"DIMM_{channel}1" for channel in "ABCDEFGH")
# Bus addresses, as the driver prints them.
GPU_SLOTS = ("0000:17:00", "0000:31:00", "0000:b1:00", "0000:ca:00")


@dataclass(frozen=True, kw_only=True)
class PartModel:
    """What a host is fitted with. Serial numbers begin with ``serial_prefix``."""

    name: str
    serial_prefix: str
    firmware: str


DIMM_MODELS = (
    PartModel(name="M393A4K40DB3-CWE", serial_prefix="S4K", firmware=""),
    PartModel(name="HMA84GR7DJR4N-XN", serial_prefix="80AD", firmware=""),
    PartModel(name="36ASF4G72PZ-3G2R1", serial_prefix="F0E", firmware=""),
)
GPU_MODELS = (PartModel(name="NVIDIA A100-SXM4-80GB", serial_prefix="1564", firmware="92.00.45.00.06"),)
BOARD_MODELS = (
    PartModel(name="X11DPI-N", serial_prefix="", firmware="3.4"),
    PartModel(name="X12DPI-N6", serial_prefix="", firmware="1.9"),
)


@dataclass(frozen=True, kw_only=True)
class Parts:
    """All parts of one kind over the span. Arrays have shape (parts,); days count from 0 = the first day.

    A part is in service in ``[first_day, failure_day]``, in ``position`` of ``host``, where ``slots`` says its
    slot; ``first_day`` is -1 for parts from before. ``sign_day`` is the first day of degradation, else
    ``_NEVER``. ``failure_second`` is of the day, ``model`` an index of ``models``.
    """

    kind: str
    seed: int
    models: tuple[PartModel, ...]
    slots: tuple[str, ...]
    host: Ints
    position: Ints
    model: Ints
    first_day: Ints
    failure_day: Ints
    failure_second: Ints
    sign_day: Ints

    def component_id(self, part: int) -> str:
        """Return the serial number; of a board the name of its host, which is what a person repairs."""
        prefix = self.models[int(self.model[part])].serial_prefix
        if not prefix:
            return place_of(int(self.host[part])).host_id
        return f"{prefix}{self.seed % 1000:03d}{part:06d}"

    def in_service(self, day: int) -> Ints:
        """Return the parts that are in a host on ``day``, those that fail on it among them."""
        return np.flatnonzero((self.first_day <= day) & (day <= self.failure_day))

    def failing_on(self, day: int) -> Ints:
        """Return the parts that fail on ``day``."""
        return np.flatnonzero(self.failure_day == day)

    def degrading_on(self, day: int) -> Ints:
        """Return the parts that show on ``day`` that they will fail."""
        return np.flatnonzero((self.sign_day <= day) & (day <= self.failure_day) & (self.first_day <= day))


@dataclass(frozen=True, kw_only=True)
class Hardware:
    """All that the hosts hold beside drives."""

    dimms: Parts
    gpus: Parts
    boards: Parts


@functools.lru_cache(maxsize=2)
def simulate_hardware(plan: FleetPlan) -> Hardware:
    """Draw all parts; the same plan always gives the same. Rates are shares of that of the drives."""
    hosts = np.arange(plan.n_hosts)
    gpu_hosts = hosts[_FIRST_GPU_HOST::_HOSTS_PER_GPU_HOST]
    return Hardware(
        dimms=_draw(plan, 10, "dimm", hosts, DIMM_MODELS, DIMM_SLOTS, rate=0.6, share_with_signs=0.6),
        gpus=_draw(plan, 11, "gpu", gpu_hosts, GPU_MODELS, GPU_SLOTS, rate=2.5, share_with_signs=0.6),
        boards=_draw(plan, 12, "host", hosts, BOARD_MODELS, ("",), rate=1.0, share_with_signs=0.7),
    )


def _draw(
    plan: FleetPlan,
    stream: int,
    kind: str,
    hosts: Ints,
    models: tuple[PartModel, ...],
    slots: tuple[str, ...],
    *,
    rate: float,
    share_with_signs: float,
) -> Parts:
    rng = np.random.default_rng([plan.seed, stream])
    model_of_host = rng.integers(0, len(models), plan.n_hosts)
    mean_days = _YEAR_DAYS / (rate * plan.annual_failure_rate)
    host: Ints = np.repeat(hosts, len(slots))
    position: Ints = np.tile(np.arange(len(slots)), len(hosts))
    first: Ints = np.full(len(host), -1, np.int64)
    columns: list[tuple[Ints, ...]] = []
    while not columns or len(host):
        failure: Ints = np.maximum(first, 0) + 1 + rng.exponential(mean_days, len(host)).astype(np.int64)
        columns.append((host, position, first, failure))
        # A board is changed on the same evening, because the host is not left empty.
        next_first: Ints = failure + (1 if kind == "host" else rng.integers(1, 6, len(host)))
        is_next = next_first < plan.n_days
        host, position, first = host[is_next], position[is_next], next_first[is_next]
    all_hosts, all_positions, all_first, all_failures = (
        np.concatenate(column) for column in zip(*columns, strict=True)
    )
    n = len(all_hosts)
    sign = np.where(rng.random(n) < share_with_signs, all_failures - rng.integers(5, 41, n), _NEVER)
    return Parts(
        kind=kind,
        seed=plan.seed,
        models=models,
        slots=slots,
        host=all_hosts,
        position=all_positions,
        model=model_of_host[all_hosts],
        first_day=all_first,
        failure_day=all_failures,
        failure_second=rng.integers(3_600, 72_000, n),
        sign_day=sign,
    )

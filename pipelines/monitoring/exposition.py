"""The one door to prometheus_client: figures as a textfile for node_exporter, or pushed to a Pushgateway."""

import urllib.error
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry, generate_latest, push_to_gateway, write_to_textfile
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from pipelines.errors import ConfigError, PermanentError, TransientError
from pipelines.monitoring.figures.metric import Metric, Sample

_JOB = "prefail"
_TIMEOUT_SECONDS = 30


class MetricsNotSentError(TransientError):
    """The Pushgateway did not take the figures; the lake and the list are not affected."""


class _Figures(Collector):
    """All figures of one day, and of no other: what is no longer measured is no longer there."""

    def __init__(self, samples: Sequence[Sample], environment: str) -> None:
        self._samples = samples
        self._environment = environment

    def collect(self) -> Iterator[GaugeMetricFamily]:
        families: dict[Metric, GaugeMetricFamily] = {}
        for sample in self._samples:
            metric = sample.metric
            if metric not in families:
                families[metric] = GaugeMetricFamily(
                    metric.name, metric.help, labels=("environment", *metric.labels)
                )
            families[metric].add_metric((self._environment, *sample.labels), sample.value)
        yield from families.values()


def render_exposition(samples: Sequence[Sample], environment: str) -> str:
    """Return the figures in Prometheus' text format."""
    return generate_latest(_registry(samples, environment)).decode()


def write_textfile(samples: Sequence[Sample], environment: str, path: Path) -> None:
    """Replace ``path`` in one step: the collector sees the file before or the new one, never half of it."""
    if path.suffix != ".prom":
        raise ConfigError(
            f"{path} does not end in .prom: node_exporter's textfile collector would pass it over. "
            "Nothing was written.",
            path=str(path),
        )
    try:
        write_to_textfile(str(path), _registry(samples, environment))
    except OSError as error:
        raise PermanentError(
            f"{path} could not be written: {error.strerror}. What was there is unchanged. Make the folder "
            "writable for this user, or name another: prefail metrics --day D --textfile FILE",
            path=str(path),
        ) from error


def push_figures(samples: Sequence[Sample], environment: str, address: str) -> None:
    """Put the figures in the place of the environment's former ones on a Pushgateway.

    ``MetricsNotSentError`` where it does not answer or answers that it could not now; ``PermanentError``
    where it refuses them.
    """
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
        # Not repeated: it may hold a password.
        raise ConfigError(
            "The Pushgateway's address has to be http(s)://host[:port][/path], without a password."
        )
    try:
        push_to_gateway(
            address,
            job=_JOB,
            registry=_registry(samples, environment),
            grouping_key={"environment": environment},
            timeout=_TIMEOUT_SECONDS,
        )
    except urllib.error.HTTPError as refused:
        kind = PermanentError if 400 <= refused.code < 500 else MetricsNotSentError
        raise kind(
            f"the Pushgateway at {address} answered {refused.code} {refused.reason}. It kept the figures before; "
            "the lake is not affected.",
            address=address,
            status=refused.code,
        ) from refused
    except OSError as error:
        raise MetricsNotSentError(
            f"the Pushgateway at {address} did not answer: {getattr(error, 'reason', error)}. It kept the figures "
            "before; the lake is not affected. Run the same command again.",
            address=address,
        ) from error


def _registry(samples: Sequence[Sample], environment: str) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(_Figures(samples, environment))
    return registry

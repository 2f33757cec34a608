"""What can go wrong between us and a Prometheus, each with a name of its own."""

from pipelines.errors import PrefailError, SourceError, TransientError


class PrometheusUnreachableError(TransientError):
    """No connection, or none that answered in time."""


class PrometheusBusyError(TransientError):
    """The server said that it can't now (429, 502, 503, 504)."""


class BrokenReplyError(TransientError):
    """A reply ended before its end, or is no remote-read message."""


class NotPrometheusError(SourceError):
    """Something else answers at the address: a login page, another program, nothing at that path."""


class LoginRefusedError(SourceError):
    """The server does not accept who we say we are (401, 403)."""


class TlsRefusedError(SourceError):
    """The two sides could not agree on certificates."""


class QueryRefusedError(SourceError):
    """The server understood the request and will not answer it (other 4xx)."""


class TooMuchError(PrefailError):
    """One request asked for more than the server, or we, take at once. Caught: the span is halved."""

"""Tell what comes before the message of a log line: priority, time, host, program."""

import re

import pyarrow as pa
import pyarrow.compute as pc

from features.signature_reading import Messages
from pipelines.sources.hw_events import printable_host

_PRIORITY = re.compile(r"<([0-9]{1,3})>|([0-9]{1,3}),[0-9]+,[0-9]+,")
_HEADER = re.compile(
    r"(?:<[0-9]{1,3}>)?(?:"
    r"[0-9]+,[0-9]+,[0-9]+,[^;]{1,40};"
    r"|(?:[a-z]+[0-9]? *:[a-z]+ *: *)?\[[^\]]{1,40}\](?:\[ *[TC][0-9]+\])? ?"
    r"|[a-z]+[0-9]? *:[a-z]+ *: *\S+ "
    r"|(?:[0-9] )?(?:[A-Z][a-z]{2} +[0-9]{1,2} (?:[0-9]{4} )?[0-9:]{8}|[0-9]{4}-[0-9-]{5}[T ][0-9:.,]{8,18} ?\S*?)"
    r" (?P<host>\S{1,255}) (?:[^\s\[:]{1,64}(?:\[[^\]]{0,32}\])?: ?)?(?:\[ *[0-9]+\.[0-9]+\] ?)?)"
)
_RFC5424 = re.compile(
    r"<[0-9]{1,3}>[0-9] [0-9T:.Z+-]{16,40} (?P<host>\S{1,255}) \S{1,48} \S{1,128} \S{1,32} (?:-|\[[^\]]*\]) ?"
)
_NO_HOST = "unknown"


def split_line(line: bytes) -> tuple[str, str, str]:
    """Return host, message and priority of a raw line; the host is ``unknown`` where the line names none."""
    text = line.decode("utf-8", "replace").rstrip("\r")
    found = _RFC5424.match(text) or _HEADER.match(text)
    priority = _PRIORITY.match(text)
    level = str(int(priority[1] or priority[2]) % 8) if priority else ""
    if found is None:
        return _NO_HOST, text, level
    return found["host"] or _NO_HOST, text[found.end() :].strip() or text, level


def hosts_of_lines(lines: pa.StringArray) -> pa.StringArray:
    """Return the hosts that (N,) lines name, printable."""
    found = (_RFC5424.match(line) or _HEADER.match(line) for line in lines.to_pylist())
    return pa.array([printable_host((each and each["host"]) or _NO_HOST) for each in found], pa.string())


def messages_of_lines(lines: pa.StringArray) -> pa.StringArray:
    """Return the messages of (N,) lines, as ``split_line`` gives them one by one."""
    # Each is bound to the line's beginning, so at most one is replaced; asking for one costs ten times as much.
    rest = pc.replace_substring_regex(lines, f"^(?:{_HEADER.pattern})", "")
    if pc.any(pc.starts_with(lines, "<")).as_py():
        is_rfc5424 = pc.match_substring_regex(lines, f"^{_RFC5424.pattern}")
        rest = pc.if_else(is_rfc5424, pc.replace_substring_regex(lines, f"^(?:{_RFC5424.pattern})", ""), rest)
    message = pc.ascii_trim_whitespace(rest)
    has_none = pc.or_(pc.equal(pc.binary_length(rest), pc.binary_length(lines)), pc.equal(message, ""))
    messages = pc.if_else(has_none, lines, message)
    return Messages.of(lines).replace_odd(messages, lambda line: split_line(line.encode())[1])

"""Write the at-risk list for people: a CSV that spreadsheets open without running anything."""

import csv
import io
import json

import pyarrow as pa

COLUMNS = (
    "rank",
    "host_id",
    "component_id",
    "component_kind",
    "model",
    "slot",
    "rack",
    "site",
    "risk",
    "host_risk",
    "due_day",
    "why",
    "check_first",
    "target",
    "model_id",
    "scored_by",
    "day",
)

# A cell that starts with one of these is a formula to a spreadsheet
# (OWASP, "CSV Injection"); names of hosts and models come from machines that we don't trust.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def write_csv(at_risk_hosts: pa.Table) -> bytes:
    """Return the list as UTF-8 CSV (RFC 4180 line ends), one row per listed component, in rank order.

    ``at_risk_hosts`` has the columns of out_at_risk_hosts. Risks are written with four decimals; the
    evidence as the labels of its signals. The same list gives the same bytes.
    """
    sink = io.StringIO(newline="")
    writer = csv.writer(sink, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in at_risk_hosts.sort_by("rank").to_pylist():
        row["why"] = "; ".join(reason["label"] for reason in json.loads(row["evidence"]))
        writer.writerow([_cell(row[column]) for column in COLUMNS])
    return sink.getvalue().encode()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4f}"
    if isinstance(value, int):
        return str(value)
    return disarm(str(value))


def disarm(text: str) -> str:
    """Return ``text`` so that a spreadsheet shows it and never computes it: a leading quote where needed."""
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA_STARTS) else text

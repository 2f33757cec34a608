"""Print what came of a morning of the demo: verdicts, what scored, the list, the tickets, and where to look on."""

import datetime as dt
import json
import sys
from collections import Counter
from pathlib import Path

import pyarrow.compute as pc

from data_contracts.loader import list_contracts
from features.target import load_target
from features.words import count_of, name_kind
from pipelines.commands.output import print_line, print_table
from pipelines.lake import ONLY_PART, Lake
from pipelines.published_list import REPORT_FILE, day_folder
from pipelines.scorer_description import describe_scorer
from pipelines.settings import Settings
from pipelines.tickets.trackers import open_tracker
from pipelines.validation import build_data_docs
from pipelines.verdicts import read_day_verdicts

_N_LISTED = 20
_N_TICKETS = 5


def summarise_morning(day: dt.date, settings: Settings, lake: Lake, *, settings_path: Path) -> None:
    """Print the tables of ``day``; a second look prints the same."""
    _print_verdicts(day, lake)
    print_line("")
    _print_scorers(day, lake)
    print_line("")
    _print_list(day, lake)
    print_line("")
    newest_ticket = _print_tickets(settings)
    print_line("")
    command = f"{_as_typed(Path(sys.executable).with_name('prefail'))} --config {_as_typed(settings_path)}"
    print_line(f"Report:    {_as_typed(Path(lake.store.uri(day_folder(day) + REPORT_FILE)))}")
    print_line(f"Data Docs: {_as_typed(Path(build_data_docs(lake)))}")
    print_line(f"Tickets:   {command} tickets list")
    print_line(f"Audit one: {command} tickets show {newest_ticket}")


def _print_verdicts(day: dt.date, lake: Lake) -> None:
    print_table(
        f"Contract verdicts of {day}",
        ("dataset", "source", "verdict", "rows", "set aside"),
        [
            (
                verdict.dataset,
                "" if verdict.part == ONLY_PART else verdict.part,
                verdict.verdict,
                verdict.n_rows,
                verdict.n_quarantined,
            )
            for verdict in read_day_verdicts(lake, day, tuple(list_contracts()))
        ],
    )


def _print_scorers(day: dt.date, lake: Lake) -> None:
    predictions = lake.read_day("out_predictions", day)
    rows = []
    for group in (
        predictions.select(["target", "model_id"]).group_by(["target", "model_id"]).aggregate([]).to_pylist()
    ):
        is_of_group = pc.equal(predictions["target"], group["target"])
        risks = predictions.filter(is_of_group)["risk"]
        scorer = describe_scorer(load_target(group["target"]), group["model_id"], day, lake)
        rows.append((group["target"], len(risks) - risks.null_count, risks.null_count, scorer.scored_by))
    print_table(f"What scored on {day}", ("target", "scored", "abstained", "how"), sorted(rows))


def _print_list(day: dt.date, lake: Lake) -> None:
    listed = lake.read_day("out_at_risk_hosts", day).to_pylist()
    kinds = Counter(row["component_kind"] for row in listed)
    print_table(
        f"At-risk list of {day} (first {_N_LISTED} of {len(listed)}: "
        + ", ".join(count_of(n, name_kind(kind)) for kind, n in kinds.most_common())
        + ")",
        ("rank", "host", "slot", "part", "risk", "due", "why"),
        [
            (
                row["rank"],
                row["host_id"],
                row["slot"],
                f"{name_kind(row['component_kind'])} {row['component_id']}",
                f"{row['risk']:.0%}",
                row["due_day"],
                _word_why(row["evidence"]),
            )
            for row in listed[:_N_LISTED]
        ],
    )


def _word_why(evidence: str) -> str:
    """Return the strongest reason, with its level a week ago and now where it has one."""
    reasons = json.loads(evidence)
    if not reasons:
        return ""
    first = reasons[0]
    levels = [f"{value:g}" for value in (first["before_7d"], first["now"]) if value is not None]
    said = (
        f"{levels[0]}, as a week ago" if len(levels) == 2 and levels[0] == levels[1] else " → ".join(levels)
    )
    return f"{first['label']} {said}".strip()


def _print_tickets(settings: Settings) -> str:
    """Print the newest tickets and return the number of the newest."""
    tickets = open_tracker(settings).list_all(settings.environment)
    states = Counter("open" if t.is_open else f"closed ({t.outcome})" for t in tickets)
    print_table(
        f"Tickets, newest {_N_TICKETS} ("
        + ", ".join(f"{n} {state}" for state, n in sorted(states.items()))
        + ")",
        ("ticket", "state", "title"),
        [(t.ticket_id, "open" if t.is_open else "closed", t.title) for t in tickets[-_N_TICKETS:]],
    )
    return tickets[-1].ticket_id if tickets else "ID"


def _as_typed(path: Path) -> str:
    """Return the path as a person in this folder would type it."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)

"""docs/benchmarks.md: one section a benchmark, each replaced only by a new measurement of its own."""

import re
from collections.abc import Mapping, Sequence

from tests.benchmarks.machine import Conditions
from tests.benchmarks.rows import Row, Timing

HISTORY = "history"
_HEAD = """\
# Benchmarks

Written by `make bench` (`python -m tests.benchmarks`); don't edit it, measure again. Limits are ratios of two
sides that were timed in turn within one run, because times say more about a machine than about the code. Each
side's time is the best of its runs, with two threads on either side. The verdict goes by wall-clock time; the
ratio of processor time stands beside it because other work on the machine disturbs it less. Memory is the
highest resident memory of the process during the subject, in units of 10^6 bytes.

What the sides are:

- **Scan**: `pyarrow.parquet.read_table` of the columns that features need (key, model, capacity, 12 signals), file
  by file, as the product stores them: one file a day, one row group a shard (16), zstd, page checksums. Small row
  groups make a scan dearer, which flatters a ratio; so the ratio to a scan of the same rows in one row group a
  file is given as well.
- **Builds** start from the same files: they read, lay out and compute. The features are 16 aggregates of each of
  12 signals, with 1 % of the component-days missing and three signals null for three in ten components. The
  training set is collected as `prefail train` does it: labels, cohort, sample, features of the sampled rows.
- **pandas** is `groupby(...).rolling(...)` on a dense frame in memory, its fastest form (windows of rows on a
  gapless grid instead of windows of dates), on a part of the components and of the features, scaled by the
  number of values.
- **Parse**: `pyarrow.csv.read_csv` of the columns that the source needs, all types given.
- **inplace_predict**: XGBoost alone, features in memory.

`python -m tests.benchmarks --scale 0.1` is a quick try (nothing is written), `--only NAME` measures one section.
"""
_SECTION = re.compile(r"<!-- begin: (\w+) -->\n(.*?)<!-- end: \1 -->\n", re.DOTALL)
_NO_HISTORY = """\
## The real history, in bounded memory

Not measured yet. A folder of daily Drive Stats files is ingested, built, trained on and back-tested, each step in
a process of its own:

    python -m tests.benchmarks --history PATH_TO_DRIVE_STATS_FOLDER
"""


def render_section(title: str, command: str, rows: Sequence[Row], conditions: Conditions) -> str:
    """Return one benchmark's section: title, table, notes, shortfalls, conditions."""
    notes = [f"- {row.name}: {row.note}." for row in rows if row.note]
    short = [f"- {row.name}: {missed}." for row in rows for missed in row.shortfalls]
    parts = [f"## {title}", render_table(rows)]
    if notes:
        parts.append("\n".join(notes))
    has_limits = any(row.limits for row in rows)
    if has_limits:
        parts.append("Falls short:\n\n" + "\n".join(short) if short else "Nothing falls short.")
    parts.append(f"{conditions.sentence} Command: `{command}`.")
    return "\n\n".join(parts) + "\n"


def render_table(rows: Sequence[Row]) -> str:
    """Return the rows as a Markdown table."""
    lines = [
        "| | subject | reference | ratio | of processor time | limit | | memory |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = (
            row.name,
            _time(row.subject),
            "" if row.reference is None else _time(row.reference),
            _ratio(row.wall_ratio),
            _ratio(row.cpu_ratio),
            ", ".join(row.limits),
            f"**{row.verdict}**" if row.verdict == "short" else row.verdict,
            f"{row.subject.peak_mb:,.0f} MB",
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def replace_sections(old: str, new: Mapping[str, str]) -> str:
    """Return the page with the ``new`` sections, and those of ``old`` that were not measured again."""
    sections = dict(_SECTION.findall(old))
    sections.setdefault(HISTORY, _NO_HISTORY)
    sections.update(new)
    # The history last: it is measured apart from the others.
    names = sorted(sections, key=lambda name: (name == HISTORY, name))
    blocks = [f"<!-- begin: {name} -->\n{sections[name]}<!-- end: {name} -->\n" for name in names]
    return "\n".join([_HEAD, *blocks])


def _time(timing: Timing) -> str:
    return f"{timing.wall_seconds:.2f} s, {timing.what}"


def _ratio(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.2f} ×"

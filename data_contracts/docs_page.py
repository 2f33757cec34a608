"""The contracts as a page for people, ``docs/contracts.md``; written by ``pytest --rewrite-golden``."""

from collections.abc import Sequence

from data_contracts.model import (
    Check,
    Column,
    Contract,
    EqualsDay,
    InRange,
    IsJson,
    IsNull,
    Matches,
    NotBeforeDay,
    NotNull,
    OneOf,
    RowCount,
    RowCountOfUsual,
    Rule,
    Severity,
    UniqueKey,
    Where,
    WithinLatency,
)

_HEAD = """# Data contracts

Written from `data_contracts/*.odcs.yaml` by `pytest tests/contracts --rewrite-golden`; edit those.

What becomes of data that breaks a rule: **block**: nothing flows on. **quarantine**: the rows at fault go to
`quarantine/<dataset>/day=…/` with the reason beside each, the rest flows; more of them than the contract's limit
block the day. **warn**: all rows flow, the verdict names the rule. Columns and types are checked first and block. A
rule that *could not run* blocks. The verdict of each day is `verdicts/<dataset>/day=…/part-….json`.
"""


def render_contracts_page(contracts: Sequence[Contract]) -> str:
    """Return the page as Markdown: an overview, then one section a contract."""
    overview = [
        f"| [{contract.dataset}](#{contract.dataset}) | {contract.granularity.rstrip('.')} "
        f"| {len(contract.columns)} | {len(contract.rules)} | {contract.version} |"
        for contract in contracts
    ]
    table = "\n".join(["| dataset | grain | columns | rules | version |", "|---|---|---|---|---|", *overview])
    return "\n".join([_HEAD, table, *(_section(contract) for contract in contracts)])


def _section(contract: Contract) -> str:
    lines = [
        f"\n## {contract.dataset}\n",
        f"{contract.purpose} {contract.granularity}\n",
        f"- **Use**: {contract.usage}",
        f"- **Limits**: {contract.limitations}",
        f"- **Owner**: {contract.owner}; version {contract.version}, {contract.status}",
        f"- **Known within**: {_days(contract.latency_days)} from the end of the day",
        f"- **Quarantine limit**: {contract.quarantine_limit_pct:g} % of the rows\n",
        "| column | type | null | unit | meaning |",
        "|---|---|---|---|---|",
        *(_column_line(column) for column in contract.columns),
        "\n| rule | columns | severity | why |",
        "|---|---|---|---|",
        *(_rule_line(rules) for rules in _rules_by_statement(contract)),
    ]
    return "\n".join(lines)


def _column_line(column: Column) -> str:
    name = f"**`{column.name}`**" if column.is_key else f"`{column.name}`"
    null = "no" if column.is_required else "yes"
    return f"| {name} | {column.physical_type} | {null} | {column.unit or ''} | {_cell(column.description)} |"


def _rules_by_statement(contract: Contract) -> list[list[Rule]]:
    groups: dict[tuple[str, Check, Severity], list[Rule]] = {}
    for rule in contract.rules:
        groups.setdefault((rule.rule_id, rule.check, rule.severity), []).append(rule)
    return list(groups.values())


def _rule_line(rules: list[Rule]) -> str:
    first = rules[0]
    columns = ", ".join(f"`{rule.column}`" for rule in rules if rule.column is not None) or "table"
    said = f"{first.name}: {_describe(first.check)}"
    return f"| {_cell(said)} | {columns} | {first.severity} | {_cell(first.reason)} |"


def _describe(check: Check) -> str:
    match check:
        case NotNull(where=where):
            return f"not null{_describe_where(where)}"
        case IsNull(where=where):
            return f"null{_describe_where(where)}"
        case InRange(minimum=low, maximum=high) | RowCount(minimum=low, maximum=high):
            unit = " rows" if isinstance(check, RowCount) else ""
            return f"{_interval(low, high)}{unit}"
        case RowCountOfUsual(minimum_pct=low, maximum_pct=high):
            return f"{_interval(low, high)} % of the usual rows"
        case OneOf(values=values):
            return ", ".join(values)
        case Matches(pattern=pattern):
            return f"matches `{pattern}`"
        case IsJson():
            return "parses as JSON"
        case EqualsDay():
            return "equals the partition's day"
        case NotBeforeDay():
            return "at or after 00:00 UTC of the day"
        case WithinLatency(days=days):
            return f"at most {_days(days)} after the day's end"
        case UniqueKey(columns=columns, ignoring=ignoring):
            copies = f"; copies may differ in {', '.join(ignoring)}" if ignoring else ""
            return f"no two rows share {', '.join(columns)}{copies}"


def _describe_where(where: Where | None) -> str:
    if where is None:
        return ""
    return f" where `{where.column}` is {'null' if where.is_null else 'not null'}"


def _interval(low: float | None, high: float | None) -> str:
    if high is None:
        return f"≥ {low:,.0f}"
    return f"≤ {high:,.0f}" if low is None else f"{low:,.0f} … {high:,.0f}"


def _days(days: int) -> str:
    return "1 day" if days == 1 else f"{days} days"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")

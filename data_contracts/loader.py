"""Read contracts from their ODCS files, and refuse one that contradicts itself."""

import functools
import hashlib
from pathlib import Path

import yaml
from pydantic import ValidationError

from data_contracts.arrow_schema import logical_type
from data_contracts.model import Column, Contract, IsNull, NotNull, Rule, Severity, UniqueKey, Where
from data_contracts.odcs import CustomProperty, Document, Property, Quality
from data_contracts.rule_reading import read_rule

FOLDER = Path(__file__).parent
SUFFIX = ".odcs.yaml"


class ContractFileError(ValueError):
    """A contract file is not valid; the message lists everything that is wrong in it."""


def list_contracts() -> list[str]:
    """Return the datasets that have a contract, in alphabetical order."""
    return sorted(path.name.removesuffix(SUFFIX) for path in FOLDER.glob(f"*{SUFFIX}"))


@functools.cache
def load_contract(dataset: str) -> Contract:
    """Return the contract of ``dataset``; ``ContractFileError`` if there is none or it is not valid."""
    path = FOLDER / f"{dataset}{SUFFIX}"
    if not path.is_file():
        raise ContractFileError(
            f"{dataset!r} has no contract. Those that exist: {', '.join(list_contracts())}."
        )
    return read_contract(path)


def contract_digest(dataset: str) -> str:
    """Return the SHA-256 of the contract file's bytes, the version that verdicts and model cards name."""
    return load_contract(dataset).sha256


def read_contract(path: Path) -> Contract:
    """Return the contract in a file named ``<dataset>.odcs.yaml``."""
    data = path.read_bytes()
    try:
        document = Document.model_validate(yaml.safe_load(data))
    except yaml.YAMLError as broken:
        raise ContractFileError(f"{path.name} is not valid YAML: {broken}") from broken
    except ValidationError as invalid:
        raise _error(
            path, [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in invalid.errors()]
        ) from invalid
    problems: list[str] = []
    contract = _contract_of(document, hashlib.sha256(data).hexdigest(), problems)
    if contract.dataset != path.name.removesuffix(SUFFIX):
        problems.append(
            f"the file is named for {path.name.removesuffix(SUFFIX)}, its schema is {contract.dataset}"
        )
    problems += _contradictions(contract)
    if problems:
        raise _error(path, problems)
    return contract


def _error(path: Path, problems: list[str]) -> ContractFileError:
    lines = "\n".join(f"  - {problem}" for problem in problems)
    return ContractFileError(
        f"{path.name} has {len(problems)} problem(s):\n{lines}\nNothing was checked with it."
    )


def _contract_of(document: Document, sha256: str, problems: list[str]) -> Contract:
    table = document.schema_[0]
    latency_days = _latency_days(document, problems)
    limit = _custom(document.custom_properties, "quarantineLimitPct")
    if not isinstance(limit, float):
        problems.append("customProperties must state quarantineLimitPct, a number")
    entries: list[tuple[Quality, str | None]] = [(quality, None) for quality in table.quality]
    entries += [(quality, prop.name) for prop in table.properties for quality in prop.quality]
    rules = []
    for quality, column in entries:
        rule = read_rule(quality, column, latency_days)
        if rule is None:
            where = column or "table"
            problems.append(f"{where}.{quality.id}: metric, operator and arguments say nothing that we know")
        else:
            rules.append(rule)
    keys = sorted((prop.primary_key_position, prop.name) for prop in table.properties if prop.primary_key)
    return Contract(
        dataset=table.name,
        version=document.version,
        sha256=sha256,
        status=document.status,
        purpose=_one_line(document.description.purpose),
        limitations=_one_line(document.description.limitations),
        usage=_one_line(document.description.usage),
        owner=document.team.name,
        grain=tuple(name for _, name in keys),
        granularity=table.data_granularity_description,
        latency_days=latency_days,
        quarantine_limit_pct=limit if isinstance(limit, float) else 0.0,
        columns=tuple(_column_of(prop, problems) for prop in table.properties),
        rules=tuple(rules),
    )


def _latency_days(document: Document, problems: list[str]) -> int:
    stated = [level.value for level in document.sla_properties if level.property == "latency"]
    if len(stated) == 1:
        return int(stated[0])
    problems.append("slaProperties must state one latency, in days")
    return 0


def _column_of(prop: Property, problems: list[str]) -> Column:
    try:
        if prop.logical_type != logical_type(prop.physical_type):
            problems.append(f"{prop.name}: {prop.physical_type} is not a {prop.logical_type}")
    except KeyError:
        problems.append(f"{prop.name}: physicalType {prop.physical_type!r} is not known to arrow_schema")
    unit = _custom(prop.custom_properties, "unit")
    return Column(
        name=prop.name,
        physical_type=prop.physical_type,
        is_required=prop.required,
        is_key=prop.primary_key,
        description=_one_line(prop.description),
        unit=None if unit is None else str(unit),
    )


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _custom(properties: tuple[CustomProperty, ...], name: str) -> str | float | None:
    return next((item.value for item in properties if item.property == name), None)


def _contradictions(contract: Contract) -> list[str]:
    problems = []
    names = [column.name for column in contract.columns]
    keys = [rule.key for rule in contract.rules]
    problems += [f"column {name} is named twice" for name in sorted({n for n in names if names.count(n) > 1})]
    problems += [f"rule {key} is named twice" for key in sorted({k for k in keys if keys.count(k) > 1})]
    strict = {
        rule.column
        for rule in contract.rules
        if rule.check == NotNull() and rule.severity in (Severity.BLOCK, Severity.QUARANTINE)
    }
    for column in contract.columns:
        if column.is_required != (column.name in strict):
            problems.append(
                f"{column.name}: `required` and a rule that nulls block or quarantine go together"
            )
        if column.is_key and not column.is_required:
            problems.append(f"{column.name}: a key column is required")
    unique = [set(rule.check.columns) for rule in contract.rules if isinstance(rule.check, UniqueKey)]
    if not contract.grain or set(contract.grain) not in unique:
        problems.append("the primary key needs a duplicateValues rule of exactly its columns")
    for rule in contract.rules:
        if rule.severity is Severity.QUARANTINE and not rule.is_about_rows:
            problems.append(f"{rule.key}: a rule about the number of rows can't quarantine rows")
        problems += [f"{rule.key}: no column {name}" for name in _columns_of(rule) if name not in names]
    return problems


def _columns_of(rule: Rule) -> list[str]:
    match rule.check:
        case UniqueKey(columns=columns, ignoring=ignoring):
            return [*columns, *ignoring]
        case NotNull(where=Where(column=other)) | IsNull(where=Where(column=other)):
            return [other]
        case _:
            return []

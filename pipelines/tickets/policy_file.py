"""Read the ticket policy: the shipped one, or the file that ``tickets.policy`` names, with its spare parts."""

import csv
import io
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path

import yaml
from pydantic import ValidationError

from pipelines.errors import ConfigError
from pipelines.settings import Settings
from pipelines.tickets.policy_document import PolicyDocument
from pipelines.tickets.policy_yaml import load_policy_yaml

_SPARE_COLUMNS = ["model", "in_stock"]


def read_policy(settings: Settings) -> PolicyDocument:
    """Return the policy that the settings name; ``ConfigError`` lists everything that is wrong with it."""
    if settings.tickets.policy is None:
        return _read_shipped()
    path = Path(settings.resolve_path(settings.tickets.policy))
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as unreadable:
        raise _refuse(path, [f"it can't be read ({unreadable})"]) from unreadable
    return parse_policy(text, path)


def list_policy_problems(settings: Settings) -> list[str]:
    """Return what is wrong with the policy that the settings name, one line each."""
    try:
        read_policy(settings)
    except ConfigError as wrong:
        problems = wrong.facts["problems"]
        assert isinstance(problems, tuple)
        return [f"tickets.policy ({settings.tickets.policy}): {problem}" for problem in problems]
    return []


def parse_policy(text: str, path: Path) -> PolicyDocument:
    """Return the policy that ``text`` is, its spare parts read from beside ``path``."""
    try:
        policy = PolicyDocument.model_validate(load_policy_yaml(text))
    except yaml.YAMLError as broken:
        raise _refuse(path, [f"it is not valid YAML: {' '.join(str(broken).split())}"]) from broken
    except ValidationError as invalid:
        raise _refuse(path, [_describe(error) for error in invalid.errors()]) from invalid
    if policy.spares is None or policy.spares.file is None:
        return policy
    counted = _read_spares(path.parent / policy.spares.file, path)
    if twice := sorted(counted.keys() & policy.spares.in_stock.keys()):
        raise _refuse(path, [f"spares: in_stock and file both count {', '.join(twice)}"])
    stock = {**policy.spares.in_stock, **counted}
    return policy.model_copy(update={"spares": policy.spares.model_copy(update={"in_stock": stock})})


@cache
def _read_shipped() -> PolicyDocument:
    text = files("pipelines.tickets").joinpath("policy.yaml").read_text("utf-8")
    return PolicyDocument.model_validate(yaml.safe_load(text))


def _read_spares(file: Path, policy: Path) -> dict[str, int]:
    """Return the parts in stock by hardware model from a CSV file with the columns model and in_stock."""
    try:
        rows = list(csv.reader(io.StringIO(file.read_text("utf-8"))))
    except (OSError, UnicodeDecodeError, csv.Error) as unreadable:
        raise _refuse(policy, [f"spares.file {file} can't be read ({unreadable})"]) from unreadable
    if not rows or rows[0] != _SPARE_COLUMNS:
        raise _refuse(policy, [f"spares.file {file} does not start with the line model,in_stock"])
    stock: dict[str, int] = {}
    problems = []
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != 2 or not row[0] or not (row[1].isascii() and row[1].isdecimal()):
            problems.append(f"spares.file {file}, line {number}: not a model and a whole number: {row!r}")
        elif row[0] in stock:
            problems.append(f"spares.file {file}, line {number}: {row[0]} is counted twice")
        else:
            stock[row[0]] = int(row[1])
    if problems:
        raise _refuse(policy, problems)
    return stock


def _describe(error: Mapping[str, object]) -> str:
    location = error["loc"]
    assert isinstance(location, tuple)
    place = ".".join(str(part) for part in location)
    if error["type"] == "extra_forbidden":
        return f"{place} is not a part of a policy"
    if error["type"] == "missing":
        return f"{place} is missing"
    if error["type"] == "string_pattern_mismatch":
        return f"{place}: letters, digits and . _ - only, 40 at most"
    message = str(error["msg"]).removeprefix("Value error, ")
    return f"{place or 'the file'}: {message[:1].lower()}{message[1:]}"


def _refuse(path: Path, problems: list[str]) -> ConfigError:
    lines = "\n".join(f"  - {problem}" for problem in problems)
    return ConfigError(
        f"The ticket policy {path} has {len(problems)} problem(s):\n{lines}\n"
        "No ticket was touched. Fix them (docs/ticket-policy.md), then: prefail config check",
        path=str(path),
        problems=tuple(problems),
    )

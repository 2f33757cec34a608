"""What a user may set, read once from ``prefail.toml`` and the environment.

Precedence: environment (``PREFAIL_LAKE__ROOT=…``) over file over default. Unknown names and bad
values are reported all at once, each with its place and what would be valid.
"""

import difflib
import json
import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
)

from features.shards import N_SHARDS
from pipelines.approval_settings import ApprovalSettings
from pipelines.drift_settings import DriftSettings
from pipelines.errors import ConfigError
from pipelines.lake_settings import LakeSettings, SecretText, Section
from pipelines.ticket_settings import TicketSettings
from pipelines.training_settings import TrainingSettings

CONFIG_PATH_VARIABLE = "PREFAIL_CONFIG"
DEFAULT_CONFIG_PATH = "prefail.toml"
_ENVIRONMENT_PREFIX = "PREFAIL_"
# The tracker's credentials: read by its door, never part of the settings.
_CREDENTIALS_PREFIX = "PREFAIL_TRACKER_"

Share = Annotated[float, Field(ge=0.0, le=1.0)]
_OTHER_DATASETS = ("quarantine", "verdicts", "ingested", "published/at_risk_hosts", "scored_shards")
# Of no use once their day is put together.
_DAYS_KEPT_ANYWAY = {"scored_shards": 7}
# Values of these are never repeated in a message: a wrong one may hold a password.
_NEVER_SHOWN = frozenset(
    {"secret_access_key", "session_token", "access_key_id", "endpoint_url", "pseudonym_key"}
)


class SourceSettings(BaseModel):
    """One source. ``kind`` names a module of ``pipelines/sources``; all other keys are its options."""

    model_config = ConfigDict(extra="allow", frozen=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,40}$", description="What logs and reports call it.")
    kind: str = Field(description="A module of pipelines/sources, e.g. drive_stats, smartctl, simulated.")

    @property
    def options(self) -> dict[str, object]:
        """The keys that belong to the source's own module."""
        return dict(self.model_extra or {})


class ListSettings(Section):
    """How long the at-risk list is."""

    k_per_day: int = Field(
        default=5, ge=1, description="Repairs the team can do a day: new tickets a day at most."
    )
    length: int = Field(
        default=20, ge=1, description="Entries on the list; longer than k, so that open tickets hide nothing."
    )
    minimum_risk: Share = Field(default=0.02, description="Nothing below this calibrated risk is listed.")


class ScoringSettings(Section):
    """How a day is scored."""

    n_shard_groups: int = Field(
        default=1,
        ge=1,
        le=N_SHARDS,
        description="Groups that a day's 16 shards are scored in: tasks in Airflow, one after the other by hand.",
    )


class MetricsSettings(Section):
    """Where the daily run brings its figures for Prometheus."""

    textfile: str | None = Field(
        default=None,
        pattern=r"\.prom$",
        description="File of node_exporter's textfile collector (…/prefail.prom); relative to the config file.",
    )
    pushgateway: str | None = Field(
        default=None,
        pattern=r"^https?://[^/@\s]+(/[^@\s]*)?$",
        description="Address of a Pushgateway, without a password.",
    )


class Settings(Section):
    """Everything a run may depend on."""

    environment: str = Field(
        default="default", pattern=r"^[a-z][a-z0-9_-]{0,40}$", description="Part of each ticket key."
    )
    lake: LakeSettings = LakeSettings()
    sources: tuple[SourceSettings, ...] = ()
    targets: tuple[str, ...] = Field(
        default=("drive_fails_30d", "dimm_fails_30d", "gpu_fails_30d", "host_fails_30d"),
        description="Files of features/targets; one that the fleet has no component of is passed over.",
    )
    list: ListSettings = ListSettings()
    tickets: TicketSettings = TicketSettings()
    training: TrainingSettings = TrainingSettings()
    scoring: ScoringSettings = ScoringSettings()
    approval: ApprovalSettings = ApprovalSettings()
    drift: DriftSettings = DriftSettings()
    metrics: MetricsSettings = MetricsSettings()
    pseudonym_key: SecretText | None = Field(
        default=None, description="Key of pseudonyms in exports; set by environment only.", exclude=True
    )
    publish: LakeSettings | None = Field(
        default=None,
        description="Where readers find the lists, with credentials of its own; in the lake if unset.",
    )
    retain: dict[str, Annotated[int, Field(ge=1)]] = Field(
        default={},
        description="Days to keep, by dataset; what is not named is kept forever (scored_shards: 7 days).",
    )
    base_folder: Path = Field(
        default=Path(), description="Folder of the config file; relative paths start here.", exclude=True
    )

    @property
    def days_kept(self) -> Mapping[str, int]:
        """Return how many days are kept, by dataset: ``retain``, and what nobody needs for longer."""
        return _DAYS_KEPT_ANYWAY | self.retain

    def resolve_path(self, path: str) -> str:
        """Return a path of the settings as seen from the config file; URLs stay as they are."""
        return path if "://" in path else str((self.base_folder / path).absolute())


def load_settings(path: str | Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings; ``ConfigError`` lists everything that is wrong."""
    environ = os.environ if environ is None else environ
    chosen = Path(path or environ.get(CONFIG_PATH_VARIABLE) or DEFAULT_CONFIG_PATH)
    if not chosen.is_file():
        raise ConfigError(
            f"No settings file at {chosen}. Write one (README, section 'Your own fleet'), "
            f"or name it: {CONFIG_PATH_VARIABLE}=path prefail …",
            path=str(chosen),
        )
    try:
        document = tomllib.loads(chosen.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as broken:
        raise ConfigError(f"{chosen} is not valid TOML: {broken}.", path=str(chosen)) from broken
    _apply_environment(document, environ)
    try:
        settings = Settings.model_validate({**document, "base_folder": chosen.parent})
    except ValidationError as invalid:
        problems = [_describe(error) for error in invalid.errors()]
        raise _config_error(chosen, problems) from invalid
    problems = _check_plugins(settings)
    if problems:
        raise _config_error(chosen, problems)
    return settings


def _check_plugins(settings: Settings) -> list[str]:
    """Return what is wrong with names that point at modules and files: sources, targets, the tracker."""
    # Imported here: these packages read settings themselves.
    from data_contracts.loader import list_contracts
    from features.target import list_targets
    from pipelines.sources.source import validate_source_options
    from pipelines.tickets.policy_file import list_policy_problems
    from pipelines.tickets.trackers import list_tracker_kinds, validate_tracker_options

    problems = []
    names = [source.name for source in settings.sources]
    for position, source in enumerate(settings.sources):
        if names.index(source.name) != position:
            problems.append(f"sources.{position}.name = {source.name!r}: two sources have this name")
        problems += [
            f"sources.{position} ({source.name}): {problem}"
            for problem in validate_source_options(source.kind, source.options)
        ]
    for position, target in enumerate(settings.targets):
        if target not in list_targets():
            problems.append(
                f"targets.{position} = {target!r} is not a target; {_suggest(target, list_targets())}"
            )
    for dataset in settings.retain:
        if dataset.rpartition("/")[2] not in list_contracts() and dataset not in _OTHER_DATASETS:
            known = [*list_contracts(), *_OTHER_DATASETS]
            problems.append(f"retain.{dataset} is not a dataset; {_suggest(dataset, known)}")
    if settings.tickets.tracker not in list_tracker_kinds():
        hint = _suggest(settings.tickets.tracker, list_tracker_kinds())
        problems.append(f"tickets.tracker = {settings.tickets.tracker!r} is not a tracker; {hint}")
    else:
        problems += validate_tracker_options(settings.tickets.tracker, settings.tickets.options)
    problems += list_policy_problems(settings)
    return problems


def _suggest(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]}?" if close else f"valid names: {', '.join(sorted(known))}"


def _config_error(path: Path, problems: list[str]) -> ConfigError:
    lines = "\n".join(f"  - {problem}" for problem in problems)
    return ConfigError(
        f"{path} has {len(problems)} problem(s):\n{lines}\nNothing was run. Fix them, then: prefail config check",
        path=str(path),
        problems=tuple(problems),
    )


def _apply_environment(document: dict[str, object], environ: Mapping[str, str]) -> None:
    """Lay ``PREFAIL_SECTION__FIELD=value`` over the file; values are JSON where they parse as JSON."""
    for variable, text in sorted(environ.items()):
        if not variable.startswith(_ENVIRONMENT_PREFIX) or variable == CONFIG_PATH_VARIABLE:
            continue
        if variable.startswith(_CREDENTIALS_PREFIX):
            continue
        *sections, field = variable.removeprefix(_ENVIRONMENT_PREFIX).lower().split("__")
        table: object = document
        for section in sections:
            if isinstance(table, dict):
                table = table.setdefault(section, {})
            elif isinstance(table, list) and section.isdecimal() and int(section) < len(table):
                table = table[int(section)]
        if isinstance(table, dict):
            table[field] = _parse_value(text)


def _parse_value(text: str) -> object:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _describe(error: Mapping[str, object]) -> str:
    location = error["loc"]
    assert isinstance(location, tuple)
    place = ".".join(str(part) for part in location)
    if error["type"] == "extra_forbidden":
        known = sorted(_fields_at(location[:-1]))
        return f"{place} is not a setting; {_suggest(str(location[-1]), known)}"
    if error["type"] == "missing":
        return f"{place} is missing"
    shown = "(not shown)" if _NEVER_SHOWN & set(location) else repr(error["input"])
    return f"{place} = {shown}: {str(error['msg'])[:1].lower()}{str(error['msg'])[1:]}"


def _fields_at(location: tuple[object, ...]) -> list[str]:
    section: object = Settings
    for part in location:
        if not isinstance(part, str) or not isinstance(section, type) or not issubclass(section, BaseModel):
            continue
        field = section.model_fields.get(part)
        section = None if field is None else field.annotation
    if isinstance(section, type) and issubclass(section, BaseModel):
        return [name for name in section.model_fields if name != "base_folder"]
    return []

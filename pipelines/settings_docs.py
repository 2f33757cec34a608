"""The settings as a table for the README: written from the settings' own fields, so it can't be old."""

from collections.abc import Iterator

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from pipelines.settings import Settings, SourceSettings

_HEADER = ("| setting | default | what it is |", "|---|---|---|")


def render_settings_table() -> str:
    """Return a Markdown table with one row per setting, in the order of the settings file."""
    rows = [
        *_rows(Settings, ""),
        *(f"| `[[sources]]` `{row[3:]}" for row in _rows(SourceSettings, "")),
    ]
    return "\n".join((*_HEADER, *rows)) + "\n"


def _rows(section: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in section.model_fields.items():
        if field.exclude or name == "sources":
            continue
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _rows(kind, f"{name}.")
            continue
        value = field.get_default(call_default_factory=True)
        default = "required" if value is PydanticUndefined else f"`{_as_toml(value)}`"
        yield f"| `{prefix}{name}` | {default} | {field.description} |"


def _as_toml(value: object) -> str:
    if value is None:
        return "unset"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[" + ", ".join(_as_toml(item) for item in value) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value)

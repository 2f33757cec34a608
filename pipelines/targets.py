"""Find a target by the name that the settings or a command gave."""

from features.target import Target, list_targets, load_target
from pipelines.errors import ConfigError


def find_target(name: str) -> Target:
    """Return a target that ships; ``ConfigError`` names those there are, or what is wrong in its file."""
    try:
        return load_target(name)
    except ValueError as wrong:
        raise ConfigError(
            f"{wrong}. Nothing was run. Name one of: {', '.join(list_targets())}.", target=name
        ) from wrong

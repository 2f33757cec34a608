"""Find a target by the name that the settings or a command gave, and which of the settings' there is data for."""

from features.target import Target, list_targets, load_target
from pipelines.errors import ConfigError
from pipelines.lake import Lake
from pipelines.settings import Settings


def find_target(name: str) -> Target:
    """Return a target that ships; ``ConfigError`` names those there are, or what is wrong in its file."""
    try:
        return load_target(name)
    except ValueError as wrong:
        raise ConfigError(
            f"{wrong}. Nothing was run. Name one of: {', '.join(list_targets())}.", target=name
        ) from wrong


def list_built_targets(settings: Settings, lake: Lake) -> tuple[str, ...]:
    """Return the settings' targets whose components were ever built; all of them where none was.

    The settings name every target that ships: a fleet without GPUs is no mistake.
    """
    built = tuple(name for name in settings.targets if lake.list_days(find_target(name).dataset))
    return built or settings.targets

"""Say at the end of a run which sources failed, so that a day built without them does not look whole."""

import datetime as dt
from collections.abc import Sequence

from pipelines.errors import ConfigError, PermanentError


def check_sources(
    day: dt.date, sources: Sequence[str] | None, delivered: Sequence[str], *, is_built: bool
) -> str:
    """Return one line that says all sources of ``day`` delivered; ``PermanentError`` names those that failed.

    ``sources`` are those of the settings, null where not even these could be read. By now the day is built
    from what there was, and its list goes on without the rest.
    """
    if sources is None:
        raise PermanentError(
            f"The sources could not be listed, so nothing of {day} was read or built. The log of 'List the "
            "sources' says why; clear that task when it is put right.",
            day=day.isoformat(),
        )
    if not sources:
        raise ConfigError(
            f"No source is configured, so nothing of {day} was read or built. Add a [[sources]] section to "
            "the settings, then clear 'List the sources'. See them: prefail config check",
            day=day.isoformat(),
        )
    failed = tuple(name for name in sources if name not in delivered)
    if failed:
        raise PermanentError(_describe(day, failed, len(sources), is_built=is_built), day=day, sources=failed)
    if not is_built:
        raise PermanentError(
            f"Every source of {day} delivered, but the day was not built. The log of 'Build the component-days' "
            f"says why; put it right and clear that task, or: prefail build --day {day}",
            day=day.isoformat(),
        )
    return f"all sources delivered {day}: {', '.join(sources)}"


def _describe(day: dt.date, failed: tuple[str, ...], n_sources: int, *, is_built: bool) -> str:
    names = ", ".join(failed)
    if len(failed) == n_sources:
        became = "Nothing was built; the list before stays."
    elif is_built:
        became = (
            "The day was built from the others and goes on to the list, which abstains on the components that "
            "only these feed and says so."
        )
    else:
        became = "And the day could not be built from the others: see the log of 'Build the component-days'."
    options = " ".join(f"--source {name}" for name in failed)
    return (
        f"{len(failed)} of {n_sources} sources failed for {day}: {names}. {became} "
        "The log of 'Read and check a source' of each says what broke. When it is put right, clear that task "
        "with its downstream tasks: the day is then built, scored and published again. By hand: "
        f"prefail ingest --day {day} {options}, then build, score and publish of that day."
    )

"""Which kinds of sources there are, and how their options are checked."""

import pytest

from pipelines.errors import ConfigError
from pipelines.sources.source import list_source_kinds, load_source_kind, validate_source_options


def test_every_module_that_defines_options_is_a_kind_and_no_other() -> None:
    assert list_source_kinds() == (
        "drive_stats",
        "failure_records",
        "inventory_file",
        "ipmi_sel",
        "kernel_log",
        "mcelog_rows",
        "prometheus",
        "rasdaemon",
        "redfish",
        "simulated",
        "smartctl",
    )


@pytest.mark.parametrize("kind", list_source_kinds())
def test_every_kind_offers_the_whole_protocol(kind: str) -> None:
    module = load_source_kind(kind)
    assert callable(module.read_day)
    assert callable(module.list_days)
    assert module.Options.model_config["extra"] == "forbid"
    assert all(field.description for field in module.Options.model_fields.values())


def test_an_unknown_kind_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(
        ConfigError, match=r"'drive_stat' is not a kind of source; did you mean drive_stats\?"
    ):
        load_source_kind("drive_stat")
    assert validate_source_options("archives", {}) == [
        f"kind = 'archives' is not a kind of source; valid names: {', '.join(list_source_kinds())}"
    ]


def test_all_wrong_options_are_named_at_once() -> None:
    assert validate_source_options("drive_stats", {"pth": "x", "layout": "monthly"}) == [
        "path is missing: drive_stats needs it",
        "layout: input should be 'daily_files' or 'any_files'",
        "pth is not an option of drive_stats; did you mean path?",
    ]


def test_right_options_have_no_problems() -> None:
    assert validate_source_options("drive_stats", {"path": "data"}) == []
    assert validate_source_options("simulated", {"first_day": "2024-01-01", "n_days": 10}) == []

import pytest

from features.feature_names import parse_features
from features.target import list_targets, load_target, parse_target

SHIPPED = "drive_fails_30d"


def shipped_text() -> str:
    from importlib import resources

    return (resources.files("features") / "targets" / f"{SHIPPED}.yaml").read_text("utf-8")


@pytest.mark.parametrize("name", list_targets())
def test_every_target_that_ships_names_features_that_the_kernel_knows(name: str) -> None:
    target = load_target(name)
    assert target.name == name
    names = (*target.feature_names, *target.logistic_features)
    specs = parse_features(dict.fromkeys(names), signals=target.signals, error_signals=target.error_signals)
    assert len(specs) == len(set(names))
    assert len(target.monotone_directions) == len(target.feature_names)


def test_groups_expand_signal_by_signal_in_the_order_written() -> None:
    names = load_target(SHIPPED).feature_names
    assert names[:2] == ("reallocated_sectors_level", "reallocated_sectors_delta_1d")
    assert names[-1] == "signals_nonzero"


def test_any_change_of_the_definition_changes_the_digest() -> None:
    text = shipped_text()
    assert parse_target(text).digest == load_target(SHIPPED).digest
    assert parse_target(text.replace("lead_days: 1", "lead_days: 2")).digest != load_target(SHIPPED).digest
    assert parse_target(text.replace("max_depth: 5", "max_depth: 6")).digest != load_target(SHIPPED).digest


def test_monotone_patterns_reach_the_error_signals_only_if_so_written() -> None:
    text = shipped_text().replace(
        "monotone: []",
        "monotone:\n"
        '  - {pattern: "increase_*", direction: 1, signals: errors}\n'
        '  - {pattern: "*_dayssincechange", direction: -1}\n',
    )
    target = parse_target(text)
    direction = dict(zip(target.feature_names, target.monotone_directions, strict=True))
    assert direction["pending_sectors_increase_7d"] == 1
    assert direction["power_cycles_increase_7d"] == 0
    assert direction["power_cycles_dayssincechange"] == -1
    assert direction["pending_sectors_level"] == 0


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("lead_days: 1", "lead_days: 30", "lead_days"),
        ("  - pending_sectors\n  - offline_uncorrectable\n\n# Change", "  - flux\n\n# Change", "flux"),
        ("  - signals_nonzero", "  - signals_nonzero\n  - signals_changed_1d", "listed twice"),
        ("horizon_days: 30", "horizon_day: 30", "horizon_day"),
        ("rounds: 80", "rounds: 0", "training.rounds"),
    ],
)
def test_a_wrong_definition_is_refused_with_its_place(old: str, new: str, place: str) -> None:
    text = shipped_text()
    assert old in text
    with pytest.raises(ValueError, match=place):
        parse_target(text.replace(old, new))


def test_an_unknown_target_names_those_there_are() -> None:
    with pytest.raises(ValueError, match=SHIPPED):
        load_target("fans_fail_next_year")

"""The policy file: the shipped one, one's own, and everything that is wrong with it at once."""

from pathlib import Path

import pytest

from pipelines.errors import ConfigError
from pipelines.settings import Settings, load_settings
from pipelines.tickets.policy import Policy
from pipelines.tickets.policy_document import PolicyDocument
from pipelines.tickets.policy_file import list_policy_problems, read_policy

DOCS = Path(__file__).parents[2] / "docs"


def write_policy(folder: Path, text: str) -> Settings:
    (folder / "policy.yaml").write_text('version: "1"\nname: own\n' + text, "utf-8")
    return Settings.model_validate({"base_folder": folder, "tickets": {"policy": "policy.yaml"}})


def test_without_a_file_the_shipped_policy_holds() -> None:
    shipped = read_policy(Settings())
    assert (shipped.name, shipped.redundancy.can_lose) == ("shipped", 1)
    assert shipped.storm is not None
    assert Policy.from_settings(Settings()).new_per_day == Settings().list.k_per_day


def test_a_file_of_ones_own_replaces_the_shipped_policy_as_a_whole(tmp_path: Path) -> None:
    own = read_policy(write_policy(tmp_path, "minimum_risk: 0.3\n"))
    assert (own.name, own.minimum_risk, own.storm, own.redundancy.can_lose) == ("own", 0.3, None, None)


def test_the_digest_changes_with_what_the_policy_says_and_with_the_parts_in_stock(tmp_path: Path) -> None:
    plain = read_policy(write_policy(tmp_path, "spares: {file: spares.csv}\n" * 0))
    settings = write_policy(tmp_path, "spares: {file: spares.csv}\n")
    digests = {plain.digest}
    for text in ("model,in_stock\nST4,2\n", "model,in_stock\nST4,3\n", "model,in_stock\nST4,2\n"):
        (tmp_path / "spares.csv").write_text(text, "utf-8")
        digests.add(read_policy(settings).digest)
    assert len(digests) == 3


def test_parts_in_stock_come_from_a_file_beside_the_policy(tmp_path: Path) -> None:
    (tmp_path / "spares.csv").write_text('model,in_stock\nST4000DM000,2\n"Odd, model",0\n', "utf-8")
    spares = read_policy(write_policy(tmp_path, "spares: {in_stock: {X: 1}, file: spares.csv}\n")).spares
    assert spares is not None
    assert spares.in_stock == {"X": 1, "ST4000DM000": 2, "Odd, model": 0}


@pytest.mark.parametrize(
    ("csv", "words"),
    [
        (None, "spares.csv can't be read"),
        ("ST4,2\n", "does not start with the line model,in_stock"),
        ("model,in_stock\nST4,many\n,3\n", "line 2: not a model and a whole number: ['ST4', 'many']"),
        ("model,in_stock\nST4,1\nST4,2\n", "line 3: ST4 is counted twice"),
        ("model,in_stock\nX,1\n", "in_stock and file both count X"),
    ],
)
def test_a_file_of_spare_parts_that_can_not_be_used_is_named(
    tmp_path: Path, csv: str | None, words: str
) -> None:
    if csv is not None:
        (tmp_path / "spares.csv").write_text(csv, "utf-8")
    settings = write_policy(tmp_path, "spares: {in_stock: {X: 1}, file: spares.csv}\n")
    with pytest.raises(ConfigError) as refused:
        read_policy(settings)
    assert words in refused.value.message


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    settings = write_policy(
        tmp_path,
        """\
minimum_risk: 2
budget: {new_per_day: -1, new_per_sites: {}}
silences:
  - {what: snooze, until: 2026-12-24, who: kim, why: known}
  - {what: later, serial: ZA1, until: soon, who: kim}
maintenance:
  windows: {fra1: [someday]}
  freezes: [{first: 2026-12-24, last: 2026-12-01, who: kim, why: feast}]
storm: {new_tickets: {rack: 1, continent: 4}}
""",
    )
    with pytest.raises(ConfigError, match=r"No ticket was touched\. Fix them") as refused:
        read_policy(settings)
    problems = "\n".join(list_policy_problems(settings))
    assert refused.value.facts["problems"]
    for words in (
        "minimum_risk: input should be less than or equal to 1",
        "budget.new_per_sites is not a part of a policy",
        "silences.0: name at least one of serial, model, firmware and signal",
        "silences.1.what: input should be 'snooze' or 'wont_fix'",
        "silences.1.until",
        "silences.1.why is missing",
        "maintenance.windows.fra1.0",
        "the freeze ends on 2026-12-01, before it starts on 2026-12-24",
        "storm.new_tickets.rack: input should be greater than or equal to 2",
        "storm.new_tickets.continent",
    ):
        assert words in problems, words


def test_money_can_not_decide_without_costs(tmp_path: Path) -> None:
    settings = write_policy(tmp_path, "budget: {new_per_day: while_it_pays}\n")
    assert list_policy_problems(settings) == [
        "tickets.policy (policy.yaml): the file: budget.new_per_day = while_it_pays needs costs"
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("rules: [", "not valid YAML"),
        ("- a list\n", "the file: input should be a valid dictionary"),
        ("", "the file"),
        ("name: own\n", "version is missing"),
        ('version: "2 b"\nname: own\n', "version: letters, digits and . _ - only, 40 at most"),
        ("minimum_risk: 0.1\nname: own\nminimum_risk: 0.2\n", "minimum_risk stands there twice"),
        (
            "silences: [{what: snooze, serial: ZA1, until: 2026-13-24, who: kim, why: known}]\n",
            "silences.0.until: input should be a valid date or datetime, month value is outside",
        ),
    ],
)
def test_what_is_no_policy_is_refused(tmp_path: Path, text: str, words: str) -> None:
    settings = write_policy(tmp_path, "")
    (tmp_path / "policy.yaml").write_text(text, "utf-8")
    assert words in "\n".join(list_policy_problems(settings))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    settings = Settings.model_validate({"base_folder": tmp_path, "tickets": {"policy": "nowhere.yaml"}})
    (problem,) = list_policy_problems(settings)
    assert "tickets.policy (nowhere.yaml): it can't be read" in problem


def test_config_check_covers_the_policy(tmp_path: Path) -> None:
    write_policy(tmp_path, "minimum_risk: 2\n")
    config = tmp_path / "prefail.toml"
    config.write_text('[tickets]\ntracker = "deskk"\npolicy = "policy.yaml"\n', "utf-8")
    with pytest.raises(ConfigError) as refused:
        load_settings(config, {})
    problems = refused.value.facts["problems"]
    assert isinstance(problems, tuple)
    assert [problem.split("=")[0].split(":")[0] for problem in problems] == [
        "tickets.tracker ",
        "tickets.policy (policy.yaml)",
    ]


def test_the_example_of_the_page_is_a_policy(tmp_path: Path) -> None:
    """docs/ticket-policy.md shows a whole file; its spare parts are the other example of the page."""
    page = (DOCS / "ticket-policy.md").read_text("utf-8")
    text = page.split("```yaml\n")[1].split("```")[0]
    (tmp_path / "spares.csv").write_text(page.split("```csv\n")[1].split("```")[0], "utf-8")
    (tmp_path / "policy.yaml").write_text(text, "utf-8")
    settings = Settings.model_validate({"base_folder": tmp_path, "tickets": {"policy": "policy.yaml"}})
    policy = read_policy(settings)
    assert policy.costs is not None
    assert f"{policy.costs.break_even_risk:.3f}" in page
    said = policy.model_dump(exclude_defaults=True)
    assert said.keys() == PolicyDocument.model_fields.keys(), "the example shows every part of a policy"

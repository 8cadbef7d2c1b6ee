"""A ResourceQuota, and what objects ask of one."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from kubernetes.utils.quantity import parse_quantity

from tests.cluster.kube import Kubectl, until

NAME = "tight"
GPU = "nvidia.com/gpu"
Object = dict[str, Any]
Amounts = Counter[str]


def put(kubectl: Kubectl, namespace: str, hard: Mapping[str, Any]) -> None:
    """Hold a namespace to these amounts."""
    texts = {name: str(amount) for name, amount in hard.items()}
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": NAME},
        "spec": {"hard": texts},
    }
    kubectl.apply(json.dumps(quota), "-n", namespace)
    # Until its controller has looked at it, it refuses everything.
    kubectl.wait(f"resourcequota/{NAME}", "jsonpath={.status.hard}", namespace)


def wait_until_used_up(kubectl: Kubectl, namespace: str) -> None:
    """Until nothing is left. Raises TimeoutError with what is, and with what went wrong there.

    A ReplicaSet that was refused once asks again after twice the time, at last after 82 seconds.
    """
    try:
        until(lambda: not left(kubectl, namespace), "the quota used up", 120)
    except TimeoutError as err:
        events = kubectl("events", "-n", namespace, "--types=Warning")
        pods = kubectl("get", "pods,replicasets", "-n", namespace)
        rest = left(kubectl, namespace)
        raise TimeoutError(f"{err}; of the quota are left {rest}\n{pods}\n{events}") from err


def left(kubectl: Kubectl, namespace: str) -> dict[str, Decimal]:
    """That of which something may be taken still, and how much."""
    status = kubectl.get("resourcequota", NAME, namespace)["status"]
    hard, used = (
        {name: parse_quantity(amount) for name, amount in status[key].items()}
        for key in ("hard", "used")
    )
    return {name: hard[name] - used[name] for name in hard if hard[name] != used[name]}


def add_up(objects: Iterable[Object]) -> Amounts:
    """What objects ask for, as a quota counts it: pods, with all that they state, and claims."""
    total: Amounts = Counter()
    for item in objects:
        if item["kind"] == "PersistentVolumeClaim":
            total += Counter(persistentvolumeclaims=1)
        for spec in _pods_of(item):
            total += _count(spec)
    return total


def _pods_of(item: Object) -> Iterator[Object]:
    """What KServe and the Job's controller make."""
    match item:
        case {"kind": "InferenceService", "spec": {"predictor": predictor}}:
            yield from [predictor] * predictor["minReplicas"]
        case {"kind": "InferenceGraph", "spec": spec}:
            yield from [{"containers": [{"resources": spec["resources"]}]}] * spec["minReplicas"]
        case {"kind": "Job", "spec": {"template": {"spec": spec}}}:
            yield spec


def _count(spec: Object) -> Amounts:
    """Init containers run one after the other, and before the others."""
    amounts: Amounts = Counter(pods=1)
    for container in spec["containers"]:
        amounts += _stated(container)
    for container in spec.get("initContainers", ()):
        amounts |= _stated(container)
    return amounts


def _stated(container: Object) -> Amounts:
    """A limit of GPUs is a request of them, and a quota counts only that."""
    amounts: dict[str, Any] = {}
    for kind in ("requests", "limits"):
        for name, amount in container["resources"][kind].items():
            counted = "requests" if name == GPU else kind
            amounts[f"{counted}.{name}"] = parse_quantity(amount)
    return Counter(amounts)

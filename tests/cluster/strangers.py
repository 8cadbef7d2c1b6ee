"""A namespace with anybody's small InferenceServices and InferenceGraph, which need no model."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from graph.cluster import connection
from tests.cluster.harness import Cluster
from tests.cluster.kube import Kubectl, until

FILE = Path(__file__).parent / "files" / "pair.yaml"
Object = dict[str, Any]


@contextmanager
def namespace(kubectl: Kubectl, name: str) -> Iterator[str]:
    """A namespace for tests, whose end is not waited for. What an earlier run left goes first."""
    kubectl("delete", "namespace", name, "--ignore-not-found", timeout=180)
    kubectl("create", "namespace", name)
    try:
        yield name
    finally:
        kubectl("delete", "namespace", name, "--wait=false")


def service(name: str, container: Mapping[str, Any] | None = None, **predictor: Any) -> Object:
    """An InferenceService; fields of its container, and of its predictor, in place of the usual."""
    made = copy.deepcopy(_objects()["first"])
    made["metadata"]["name"] = name
    made["spec"]["predictor"] |= predictor
    made["spec"]["predictor"]["containers"][0] |= container or {}
    return made


def graph(name: str, *services: str) -> Object:
    """A Sequence of these services."""
    made = copy.deepcopy(_objects()["pair"])
    made["metadata"]["name"] = name
    made["spec"]["nodes"]["root"]["steps"] = [
        {"name": each, "serviceName": each, "data": "$response", "dependency": "Hard"}
        for each in services
    ]
    return made


def put(kubectl: Kubectl, namespace: str, *objects: Object) -> None:
    for item in objects:
        kubectl.apply(json.dumps(item), "-n", namespace)


def connect(cluster: Cluster, namespace: str, kubeconfig: str = "") -> connection.Cluster:
    """The library's own connection, to the cluster of the tests."""
    chosen = kubeconfig or str(cluster.kubectl.kubeconfig)
    return connection.connect(namespace=namespace, kubeconfig=chosen)


def until_ready(kubectl: Kubectl, namespace: str, *deployments: str) -> None:
    for name in deployments:
        until(partial(kubectl.exists, "deployment", name, namespace), name, 60)
        kubectl.wait(f"deployment/{name}", "condition=Available", namespace)


def _objects() -> dict[str, Object]:
    return {item["metadata"]["name"]: item for item in yaml.safe_load_all(FILE.read_text())}

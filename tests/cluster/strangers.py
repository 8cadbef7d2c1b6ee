"""A namespace with anybody's small InferenceServices and InferenceGraph, which need no model."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from graph.cluster import connection
from graph.cluster.parts.model import Status, first_trouble
from graph.cluster.reasons.model import Reason
from graph.cluster.wait import wait
from tests.cluster.harness import Cluster
from tests.cluster.image_prefix import located
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
    [only] = made["spec"]["predictor"]["containers"]
    only |= {"image": located(only["image"])} | {**(container or {})}
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


class Seen(Exception):
    """Ends a wait early: what was waited for has been told."""


def first_reason(cluster: Cluster, namespace: str, name: str, seconds: float = 180) -> Reason:
    """The first reason that a wait for one service gives."""
    found: list[Reason] = []

    def look(status: Status) -> None:
        path = first_trouble(status)
        if path and path[-1].reason and path[-1].reason.failing:
            found.append(path[-1].reason)
            raise Seen

    with connect(cluster, namespace) as connected, pytest.raises(Seen):
        wait(connected, [name], seconds, on_change=look)
    return found[0]


def until_ready(kubectl: Kubectl, namespace: str, *deployments: str) -> None:
    for name in deployments:
        until(partial(kubectl.exists, "deployment", name, namespace), name, 60)
        kubectl.wait(f"deployment/{name}", "condition=Available", namespace)


def _objects() -> dict[str, Object]:
    return {item["metadata"]["name"]: item for item in yaml.safe_load_all(FILE.read_text())}

"""A change that KServe has not taken yet is not taken for done."""

from __future__ import annotations

import copy
from datetime import datetime, timedelta
from typing import Any

import pytest

from graph.cluster.parts.changes import is_behind
from tests.graph.cluster.given import TAKEN, read_objects

PAIR = read_objects("pair.yaml")
Object = dict[str, Any]


def find(kind: str, name: str, seconds_ago: float = 1.0) -> Object:
    """An object that was changed so many seconds before it was read."""
    [found] = [i for i in PAIR if (i["kind"], i["metadata"]["name"]) == (kind, name)]
    found = copy.deepcopy(found)
    changed = TAKEN - timedelta(seconds=seconds_ago)
    status = {"manager": "manager", "subresource": "status", "time": stamp(TAKEN)}
    found["metadata"]["managedFields"] = [{"manager": "x", "time": stamp(changed)}, status]
    return found


def stamp(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize(
    "change", [{"image": "other:1"}, {"args": ["--more"]}, {"command": ["other"]}]
)
def test_a_service_is_behind_until_its_deployment_has_its_containers(change: Object) -> None:
    service, deployment = find("InferenceService", "first"), find("Deployment", "first-predictor")
    assert not is_behind(service, [deployment], TAKEN)
    service["spec"]["predictor"]["containers"][0] |= change
    assert is_behind(service, [deployment], TAKEN)
    deployment["spec"]["template"]["spec"]["containers"][0] |= change
    assert not is_behind(service, [deployment], TAKEN)


def test_a_graph_is_behind_until_its_router_has_its_nodes() -> None:
    graph, deployment = find("InferenceGraph", "pair"), find("Deployment", "pair")
    assert not is_behind(graph, [deployment], TAKEN)
    graph["spec"]["nodes"]["root"]["steps"].pop()
    assert is_behind(graph, [deployment], TAKEN)


@pytest.mark.parametrize(
    ("kind", "name", "deployment"),
    [("InferenceService", "first", "first-predictor"), ("InferenceGraph", "pair", "pair")],
)
def test_it_is_behind_until_an_autoscaler_gives_it_the_pods(
    kind: str, name: str, deployment: str
) -> None:
    scaled, pods = find(kind, name), find("Deployment", deployment)
    spec = scaled["spec"]
    (spec if kind == "InferenceGraph" else spec["predictor"])["minReplicas"] = 2
    assert is_behind(scaled, [pods], TAKEN)
    pods["spec"]["replicas"] = 2
    assert not is_behind(scaled, [pods], TAKEN)


def test_a_difference_that_lasts_is_a_policy_of_the_cluster() -> None:
    service = find("InferenceService", "first", seconds_ago=60)
    service["spec"]["predictor"]["containers"][0]["image"] = "other:1"
    assert not is_behind(service, [find("Deployment", "first-predictor")], TAKEN)

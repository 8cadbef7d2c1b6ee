"""Two thousand turns on the volume's models while pods go in every way, and none of them fails.

Two pods of each kind serve. The client does not retry: a turn that fails is seen.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from tests.cluster.deployment import GRAPH, NAMESPACE, PREDICTORS, Deployment, selector
from tests.cluster.kube import KubectlError, until
from tests.cluster.load import Load
from tests.cluster.weights import FROM_HUB, until_complete

pytestmark = pytest.mark.cluster

TWO_REPLICAS = "../tests/cluster/files/from-hub-two-replicas"
TURNS = 2000
KINDS = (*PREDICTORS, GRAPH)
Record = Callable[[str, object], None]


@pytest.fixture(scope="module")
def pairs(filled: Deployment) -> Iterator[Deployment]:
    filled.apply(TWO_REPLICAS)
    for name in KINDS:
        _until_two(filled, name)
    yield filled
    filled.apply(FROM_HUB)


def test_two_thousand_turns_see_nothing_of_what_the_pods_go_through(
    pairs: Deployment, record_property: Record
) -> None:
    def ask(turn: dict[str, object]) -> tuple[int, object]:
        answer = pairs.ask(turn)
        return answer.status, answer.body

    with Load(ask, workers=3) as load:
        for name in KINDS:
            _delete_one(pairs, name)
        _roll_the_chat(pairs)
        for name in KINDS:
            _evict_all(pairs, name)
        pairs.kubectl("delete", "job", "--all", "-n", NAMESPACE)
        pairs.apply(TWO_REPLICAS)
        until_complete(pairs)
        until(lambda: load.answered + len(load.failures) >= TURNS, f"{TURNS} turns", 600)
    summary = f"{load.answered} turns, {len(load.failures)} failed, slowest {load.slowest:.1f} s"
    record_property("pods deleted, rolled and evicted, and the Job run again", summary)
    assert not load.failures


def _delete_one(deployment: Deployment, name: str) -> None:
    victim = deployment.ready_pods(selector(name))[0]
    deployment.kubectl("delete", "pod", victim, "-n", NAMESPACE, timeout=150)
    _until_two(deployment, name)


def _roll_the_chat(deployment: Deployment) -> None:
    before = set(deployment.ready_pods(selector("chat")))
    change = [
        {
            "op": "add",
            "path": "/spec/predictor/containers/0/env/-",
            "value": {"name": "PARLEY_LOG_LEVEL", "value": "warning"},
        }
    ]
    deployment.kubectl(
        *("patch", "inferenceservice", "chat", "-n", NAMESPACE),
        *("--type=json", "-p", json.dumps(change)),
    )
    _until_new(deployment, "chat", before)


def _evict_all(deployment: Deployment, name: str) -> None:
    """Every pod of a kind, as `kubectl drain` does it, where the budget of disruptions allows."""
    before = deployment.ready_pods(selector(name))
    for pod in before:
        until(lambda pod=pod: _evict(deployment, pod), f"eviction of {pod}", 180)  # type: ignore[misc]
    _until_new(deployment, name, set(before))


def _evict(deployment: Deployment, pod: str) -> bool:
    """Whether the API server took it. It refuses what a PodDisruptionBudget forbids now."""
    eviction = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": pod, "namespace": NAMESPACE},
    }
    path = f"/api/v1/namespaces/{NAMESPACE}/pods/{pod}/eviction"
    try:
        deployment.kubectl("create", "--raw", path, "-f", "-", stdin=json.dumps(eviction))
    except KubectlError as err:
        if "disruption budget" in str(err):
            return False
        raise
    return True


def _until_two(deployment: Deployment, name: str) -> None:
    until(lambda: len(deployment.ready_pods(selector(name))) == 2, f"two pods of {name}", 180)


def _until_new(deployment: Deployment, name: str, before: set[str]) -> None:
    def are_new() -> bool:
        now = set(deployment.ready_pods(selector(name)))
        return len(now) == 2 and not now & before

    until(are_new, f"new pods of {name}", 240)

"""Pods come and go under load, and no turn fails; where none is left, the error is a clear one."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest

from tests.cluster.deployment import GRAPH, NAMESPACE, PREDICTORS, Deployment, selector
from tests.cluster.kube import until
from tests.cluster.load import load_on

pytestmark = pytest.mark.cluster

TWO_REPLICAS = "../tests/cluster/files/two-replicas"
Record = Callable[[str, object], None]


@pytest.fixture(scope="module")
def pairs(deployment: Deployment) -> Deployment:
    """Two pods of each predictor and of the router, by an update of what is there."""
    deployment.ensure("overlays/embedded")
    deployment.apply(TWO_REPLICAS)
    for name in (*PREDICTORS, GRAPH):
        _until_two(deployment, name)
    return deployment


@pytest.mark.parametrize("name", [*PREDICTORS, GRAPH])
def test_a_pod_is_deleted_and_no_turn_fails(
    name: str, pairs: Deployment, record_property: Record
) -> None:
    with load_on(pairs) as load:
        load.until_more()
        victim = pairs.ready_pods(selector(name))[0]
        pairs.kubectl("delete", "pod", victim, "-n", NAMESPACE, timeout=150)
        _until_two(pairs, name)
        load.until_more()
    record_property(f"deleting a pod of {name}", load.summary)
    assert not load.failures


def test_the_chat_is_rolled_and_no_turn_fails(pairs: Deployment, record_property: Record) -> None:
    change = [
        {
            "op": "add",
            "path": "/spec/predictor/containers/0/env/-",
            "value": {"name": "PARLEY_LOG_LEVEL", "value": "warning"},
        }
    ]
    with load_on(pairs) as load:
        load.until_more()
        before = set(pairs.ready_pods(selector("chat")))
        pairs.kubectl(
            *("patch", "inferenceservice", "chat", "-n", NAMESPACE),
            *("--type=json", "-p", json.dumps(change)),
        )
        until(lambda: _are_new(pairs, before), "new pods of the chat", 180)
        load.until_more()
    record_property("rolling the chat", load.summary)
    assert not load.failures


def test_without_any_chat_the_error_is_clear_and_the_graph_recovers_by_itself(
    pairs: Deployment, record_property: Record
) -> None:
    """Its Deployment is scaled to nothing; KServe lets an operator do that."""
    _scale_chat(pairs, 0)
    until(lambda: not pairs.kubectl.list("pods", NAMESPACE, selector("chat")), "no chat", 120)
    started = time.monotonic()
    answer = pairs.ask({"user_input": "Hello"})
    record_property("seconds to an error without any chat", round(time.monotonic() - started, 1))
    assert 500 <= answer.status < 600, answer.body
    assert answer.body["error"] == "Failed to process request"
    assert "chat-predictor" in answer.body["cause"]
    _scale_chat(pairs, 2)
    _until_two(pairs, "chat")
    until(lambda: pairs.ask({"user_input": "Hello"}).status == 200, "recovery", 60)


def test_all_chat_pods_may_die_at_once_and_the_graph_recovers_by_itself(pairs: Deployment) -> None:
    before = set(pairs.ready_pods(selector("chat")))
    pairs.kubectl(
        *("delete", "pods", "-n", NAMESPACE, "-l", selector("chat")),
        *("--grace-period=0", "--force"),
    )
    until(lambda: _are_new(pairs, before), "new pods of the chat", 180)
    until(lambda: pairs.ask({"user_input": "Hello"}).status == 200, "recovery", 60)


def _scale_chat(deployment: Deployment, replicas: int) -> None:
    deployment.kubectl(
        *("scale", "deployment/chat-predictor", "-n", NAMESPACE, f"--replicas={replicas}")
    )


def _until_two(deployment: Deployment, name: str) -> None:
    until(lambda: len(deployment.ready_pods(selector(name))) == 2, f"two pods of {name}", 180)


def _are_new(deployment: Deployment, before: set[str]) -> bool:
    now = set(deployment.ready_pods(selector("chat")))
    return len(now) == 2 and not now & before

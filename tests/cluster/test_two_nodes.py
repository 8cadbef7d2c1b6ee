"""A second node: pods spread over both, one is drained under load, and one loses its power."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.cluster import harness, sandbox
from tests.cluster.deployment import GRAPH, NAMESPACE, PREDICTORS, Deployment, selector
from tests.cluster.kube import condition, until
from tests.cluster.load import load_on
from tests.cluster.node_files import FIRST, SECOND
from tests.cluster.sandbox import Sandbox

pytestmark = pytest.mark.cluster

TWO_REPLICAS = "../tests/cluster/files/two-replicas"
SERVICES = (*PREDICTORS, GRAPH)
Record = Callable[[str, object], None]


@pytest.fixture(scope="module")
def second(deployment: Deployment, pytestconfig: pytest.Config) -> Iterator[Sandbox]:
    """The second node."""
    if not deployment.cluster.own:
        pytest.skip("starts and ends a node, which only the harness's own cluster allows")
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")
    deployment.clear()
    with ExitStack() as stack:
        # A minute passes here: what is done and how long it took is seen as it happens.
        with capture.global_and_fixture_disabled():
            box = stack.enter_context(harness.second_node(deployment.cluster, os.environ))
        stack.callback(deployment.clear)
        yield box


@pytest.fixture
def pairs(deployment: Deployment, second: Sandbox) -> Deployment:
    """Two pods of everything, answering."""
    deployment.ensure(TWO_REPLICAS)
    until(lambda: all(len(_ready(deployment, name)) == 2 for name in SERVICES), "pairs", 240)
    return deployment


def test_two_pods_of_a_service_are_on_two_nodes(pairs: Deployment) -> None:
    for name in SERVICES:
        assert sorted(_ready(pairs, name)) == [FIRST.name, SECOND.name], name


def test_a_node_is_drained_and_no_turn_fails(pairs: Deployment, record_property: Record) -> None:
    started = time.monotonic()
    with load_on(pairs) as load:
        load.until_more()
        draining = ("drain", SECOND.name, "--ignore-daemonsets", "--delete-emptydir-data")
        pairs.kubectl(*draining, "--timeout=300s", timeout=310)
        until(lambda: _all_on_first(pairs), "all pods on the first node", 180)
        load.until_more()
    taken = time.monotonic() - started
    record_property("a node is drained under load", f"{load.summary}, {taken:.0f} s")
    pairs.kubectl("uncordon", SECOND.name)
    assert not load.failures


def test_a_node_dies_and_all_is_well_again_by_itself(
    pairs: Deployment, second: Sandbox, record_property: Record
) -> None:
    """Its kubelet and its pods end at once, and nobody says so to the cluster."""
    if _all_on_first(pairs):
        _spread_again(pairs)
    sandbox.end(second)
    started = time.monotonic()
    until(lambda: _answers_steadily(pairs), "ten turns in a row", 300)
    record_property("a node dies: seconds until no turn fails", round(time.monotonic() - started))
    until(lambda: _all_on_first(pairs), "two pods of everything again", 300)
    record_property("a node dies: seconds until all is double", round(time.monotonic() - started))


def _ready(deployment: Deployment, name: str) -> list[str]:
    """The node of each ready pod."""
    pods = deployment.pods(selector(name))
    return [pod["spec"]["nodeName"] for pod in pods if condition(pod, "Ready") == "True"]


def _all_on_first(deployment: Deployment) -> bool:
    return all(_ready(deployment, name) == [FIRST.name] * 2 for name in SERVICES)


def _spread_again(deployment: Deployment) -> None:
    """One pod of each pair ends, and its successor finds the other node empty."""
    for name in SERVICES:
        pod = deployment.ready_pods(selector(name))[0]
        deployment.kubectl("delete", "pod", pod, "-n", NAMESPACE, "--wait=false")
    until(lambda: all(len(set(_ready(deployment, name))) == 2 for name in SERVICES), "two", 240)


def _answers_steadily(deployment: Deployment) -> bool:
    return all(deployment.ask({"user_input": "Hello"}).status == 200 for _ in range(10))

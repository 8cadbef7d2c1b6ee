"""Autoscalers by CPU: under load the chat and the router get a second pod, and lose it again.

No turn fails meanwhile.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator

import pytest

from graph.cluster.status import read_status
from tests.cluster import metrics, strangers
from tests.cluster.deployment import GRAPH, NAMESPACE, Deployment, selector
from tests.cluster.kube import condition, until
from tests.cluster.load import Load, load_on

pytestmark = pytest.mark.cluster

AUTOSCALING = "../tests/cluster/files/autoscaling"
# By what has it, each autoscaler.
AUTOSCALERS = {"chat": "chat-predictor", GRAPH: GRAPH}
Record = Callable[[str, object], None]
Turn = dict[str, object]


@pytest.fixture(scope="module")
def scaled(deployment: Deployment) -> Iterator[Deployment]:
    """The embedded chat with autoscalers that know what its pods use."""
    with metrics.served(deployment.cluster, os.environ):
        deployment.ensure("overlays/embedded")
        deployment.apply(AUTOSCALING)
        deployment.wait()
        until(lambda: all(_is_active(deployment, name) for name in AUTOSCALERS), "metrics", 120)
        yield deployment
        deployment.apply("overlays/embedded")


def test_pods_come_under_load_and_go_after_it_and_no_turn_fails(
    scaled: Deployment, record_property: Record
) -> None:
    started = time.monotonic()
    with load_on(scaled) as busy, Load(_ask_for_nothing(scaled)) as refused:
        until(lambda: _pods(scaled) == [2, 2], "two pods of the chat and of the router", 240)
        risen = time.monotonic() - started
        until(lambda: _status(scaled) == {"2 of 2 pods available"}, "the status of two pods", 30)
    with load_on(scaled, workers=1, pause=6) as calm:
        started = time.monotonic()
        until(lambda: _all_pods(scaled) == [1, 1], "one pod of the chat and of the router", 240)
        fallen = time.monotonic() - started
    assert _status(scaled) == {"1 of 1 pods available"}
    record_property("seconds until a second pod, until it had gone", f"{risen:.0f}, {fallen:.0f}")
    record_property("turns meanwhile", f"{busy.answered}, and {calm.answered} on the way down")
    assert not busy.failures + refused.failures + calm.failures
    assert calm.answered


def _ask_for_nothing(deployment: Deployment) -> Callable[[Turn], tuple[int, object]]:
    """Turns that the detector refuses: they cost the router as much, and the models nothing."""

    def ask(turn: Turn) -> tuple[int, object]:
        answer = deployment.ask(turn | {"user_input": ""})
        return (200 if answer.status == 400 else answer.status), answer.body

    return ask


def _is_active(deployment: Deployment, name: str) -> bool:
    autoscaler = deployment.kubectl.get("hpa", AUTOSCALERS[name], NAMESPACE)
    return condition(autoscaler, "ScalingActive") == "True"


def _pods(deployment: Deployment) -> list[int]:
    """How many pods of each are ready."""
    return [len(deployment.ready_pods(selector(name))) for name in AUTOSCALERS]


def _all_pods(deployment: Deployment) -> list[int]:
    """How many there are, those counted that are going."""
    return [len(deployment.kubectl.list("pods", NAMESPACE, selector(n))) for n in AUTOSCALERS]


def _status(deployment: Deployment) -> set[str]:
    """What `parley status` says of the chat and the router, where both are ready."""
    with strangers.connect(deployment.cluster, NAMESPACE) as connected:
        parts = [path[-1] for path in read_status(connected).walk()]
    kinds = ("InferenceService", "InferenceGraph")
    found = [part for part in parts if part.name in AUTOSCALERS and part.kind in kinds]
    return {part.detail if part.ready else f"{part.state}: {part.detail}" for part in found}

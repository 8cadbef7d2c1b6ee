"""The chat has no pod while nobody talks, and the first turn waits for one instead of failing."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator

import pytest

from graph.cluster.status import read_status
from tests.cluster import keda, strangers
from tests.cluster.deployment import NAMESPACE, Deployment, selector
from tests.cluster.kube import until

pytestmark = pytest.mark.cluster

SCALE_TO_ZERO = "../tests/cluster/files/scale-to-zero"
Record = Callable[[str, object], None]


@pytest.fixture(scope="module")
def sleeping(deployment: Deployment) -> Iterator[Deployment]:
    """The embedded chat without a pod of its chat model."""
    with keda.installed(deployment.cluster, os.environ):
        deployment.ensure("overlays/embedded")
        deployment.apply(SCALE_TO_ZERO)
        _until_none(deployment)
        yield deployment
        # KEDA lets go of its objects, and so must outlive them.
        deployment.clear()


def test_the_first_turn_waits_for_a_pod_and_the_pod_goes_again(
    sleeping: Deployment, record_property: Record
) -> None:
    assert _status(sleeping) == "scaled to no pods"
    first, second = _seconds(sleeping), _seconds(sleeping)
    assert _status(sleeping) == "1 of 1 pods available"
    record_property("seconds of the turn that waits for a pod, of the next", f"{first}, {second}")
    started = time.monotonic()
    _until_none(sleeping)
    record_property("seconds until the pod had gone", round(time.monotonic() - started))


def _seconds(deployment: Deployment) -> float:
    """How long a turn takes that goes well."""
    started = time.monotonic()
    answer = deployment.ask({"user_input": "Hello"})
    assert answer.status == 200, answer.body
    [turn] = answer.body["predictions"]
    assert turn["response"] and "degraded" not in turn
    return round(time.monotonic() - started, 1)


def _until_none(deployment: Deployment) -> None:
    until(lambda: not _pods(deployment), "no pod of the chat", 180)


def _pods(deployment: Deployment) -> list[object]:
    return [*deployment.kubectl.list("pods", NAMESPACE, selector("chat"))]


def _status(deployment: Deployment) -> str:
    """What `parley status` says of the chat, where it is ready."""
    with strangers.connect(deployment.cluster, NAMESPACE) as connected:
        parts = [path[-1] for path in read_status(connected).walk()]
    [chat] = [part for part in parts if (part.kind, part.name) == ("InferenceService", "chat")]
    return chat.detail if chat.ready else f"{chat.state}: {chat.detail}"

"""Why a pod has not been given the devices that it claims, of the words of Kubernetes 1.37."""

from __future__ import annotations

from typing import Any

import pytest

from graph.cluster.reasons.events import read_events
from graph.cluster.reasons.model import Cause, Reason
from graph.cluster.reasons.pod import read_pod
from graph.cluster.reasons.rules import explain_pod

CLAIM = "chat-accelerator-gjvls"
PREEMPTION = "preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."


def explain(words: str = "", event: tuple[str, str] = ("", ""), **found: Any) -> Reason | None:
    """words: the scheduler's.  event: reason and message.  found: of the pod's spec."""
    scheduled = {"type": "PodScheduled", "status": "False", "message": words}
    made = [{"name": "accelerator", "resourceClaimName": CLAIM}] if words or found else []
    pod = {
        "metadata": {"name": "chat"},
        "spec": {
            "containers": [{"name": "c"}],
            "resourceClaims": [{"name": "accelerator", "resourceClaimTemplateName": "large"}],
            **found,
        },
        "status": {
            "phase": "Pending",
            "conditions": [scheduled] if words else [],
            "resourceClaimStatuses": made,
        },
    }
    reason, message = event
    events = read_events([{"metadata": {}, "reason": reason, "message": message}])
    return explain_pod(read_pod(pod), events, (), ())


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            "0/1 nodes are available: 1 cannot allocate all claims. ",
            f"no node has a free device for ResourceClaim {CLAIM} (of ResourceClaimTemplate large)"
            " (0/1 nodes are available: 1 cannot allocate all claims)",
        ),
        (
            "0/1 nodes are available: request accelerator: device class gpu.nvidia.com does not "
            "exist. ",
            f"ResourceClaim {CLAIM} (of ResourceClaimTemplate large) asks for DeviceClass "
            "gpu.nvidia.com, which is not there",
        ),
    ],
)
def test_a_claim_that_waits_is_named(words: str, told: str) -> None:
    reason = explain(words + PREEMPTION)
    assert reason and reason.cause is Cause.NO_DEVICE
    assert reason.message == told
    assert "DRA driver" in reason.fix


@pytest.mark.parametrize(
    ("words", "cause", "told"),
    [
        (
            'PodResourceClaim accelerator: resource claim template "large": '
            'resourceclaimtemplate.resource.k8s.io "large" not found',
            Cause.MISSING,
            "ResourceClaimTemplate large is not there",
        ),
        (
            "PodResourceClaim accelerator: create ResourceClaim : resourceclaims.resource.k8s.io "
            '"chat-accelerator-l9mjc" is forbidden: exceeded quota: few, requested: '
            "gpu.nvidia.com.deviceclass.resource.k8s.io/devices=1, used: "
            "gpu.nvidia.com.deviceclass.resource.k8s.io/devices=0",
            Cause.REFUSED,
            "ResourceQuota few is used up: requested: gpu.nvidia.com.deviceclass",
        ),
    ],
)
def test_a_claim_that_is_not_made_is_told(words: str, cause: Cause, told: str) -> None:
    event = ("FailedResourceClaimCreation", words)
    reason = explain(event=event)
    assert reason and reason.cause is cause
    assert reason.message.startswith(told)
    # The event outlives what it tells of.
    assert explain(event=event, nodeName="node-1") is None


def test_a_node_that_cannot_prepare_a_device_says_why() -> None:
    words = "Failed to prepare dynamic resources: DRA driver gpu.nvidia.com is not registered"
    reason = explain(event=("FailedPrepareDynamicResources", words), nodeName="node-1")
    assert reason and reason.cause is Cause.NOT_STARTED
    assert "gpu.nvidia.com is not registered" in reason.message

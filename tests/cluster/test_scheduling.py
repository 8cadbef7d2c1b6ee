"""GPU limits are honoured: the base asks for GPUs, waits for them with a reason, and gets them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.deployment import Deployment, selector
from tests.cluster.kube import Kubectl, until

pytestmark = pytest.mark.cluster

MODELS = ("chat", "translate-fr-en", "translate-en-fr")
VOLUME = Path(__file__).parent / "files" / "volume.yaml"
OVERLAYS = {"base": "nvidia.com/gpu", "overlays/gpu-shared": "nvidia.com/gpu.shared"}


@pytest.fixture
def node(deployment: Deployment) -> Iterator[str]:
    """The node without GPUs, a volume for the models, and both as before in the end."""
    if not deployment.cluster.own:
        pytest.skip("advertises GPUs on a node, which only a node of the harness's own may be told")
    kubectl = deployment.kubectl
    (found,) = kubectl.list("nodes", "")
    name = str(found["metadata"]["name"])
    # Server-side, so that the storage class stays unset and the claim of the base finds it.
    kubectl.apply(VOLUME.read_text())
    yield name
    deployment.clear()
    kubectl("delete", "-f", str(VOLUME), "--wait=false")
    kubectl("label", "node", name, "nvidia.com/gpu.present-")
    for resource in OVERLAYS.values():
        _advertise(kubectl, name, resource, None)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_pods_wait_for_gpus_with_a_clear_reason_and_are_scheduled_when_there_are_some(
    overlay: str, deployment: Deployment, node: str
) -> None:
    resource, kubectl = OVERLAYS[overlay], deployment.kubectl
    deployment.clear()
    deployment.apply(overlay)
    for name in MODELS:
        reason = until(partial(_pending, deployment, name), f"a pod of {name}", 60)
        assert "node affinity/selector" in reason
    kubectl("label", "node", node, "nvidia.com/gpu.present=true")
    for name in MODELS:
        until(
            partial(_lacks, deployment, name, resource),
            f"a reason that names {resource}",
            60,
        )
    _advertise(kubectl, node, resource, "3")
    for name in MODELS:
        pod = until(partial(_scheduled, deployment, name), f"{name} on a node", 90)
        assert pod["spec"]["containers"][0]["resources"]["limits"][resource] == "1"
    assert not any("nvidia.com" in json.dumps(p) for p in deployment.pods(selector("detector")))


def _lacks(deployment: Deployment, name: str, resource: str) -> bool:
    return f"Insufficient {resource}" in (_pending(deployment, name) or "")


def _pending(deployment: Deployment, name: str) -> str | None:
    """Why a pod is not scheduled."""
    for pod in deployment.pods(selector(name)):
        for item in pod["status"].get("conditions", ()):
            if item["type"] == "PodScheduled" and item["status"] == "False":
                return str(item.get("message", ""))
    return None


def _scheduled(deployment: Deployment, name: str) -> dict[str, Any] | None:
    return next((p for p in deployment.pods(selector(name)) if "nodeName" in p["spec"]), None)


def _advertise(kubectl: Kubectl, node: str, resource: str, count: str | None) -> None:
    """Say in the node's status that it has so many of a resource, as a device plugin would."""
    path = f"/status/capacity/{resource.replace('/', '~1')}"
    if count is None and resource not in kubectl.get("node", node, "")["status"]["capacity"]:
        return
    step = {"op": "remove", "path": path} if count is None else {"op": "add", "path": path}
    change = step | ({} if count is None else {"value": count})
    kubectl(
        *("patch", "node", node, "--subresource=status", "--type=json"),
        *("-p", json.dumps([change])),
    )

"""`kubectl delete -k` takes everything with it."""

from __future__ import annotations

import json

import pytest

from tests.cluster.deployment import NAMESPACE, Deployment
from tests.cluster.kube import until

pytestmark = pytest.mark.cluster


def test_deleting_the_overlay_leaves_nothing(deployment: Deployment) -> None:
    kubectl = deployment.kubectl
    if not deployment.overlay:
        deployment.ensure("overlays/embedded")
    deployment.remove()
    until(lambda: not kubectl.exists("namespace", NAMESPACE, ""), "the namespace's end", 120)
    kinds = kubectl("api-resources", "--verbs=list", "-o", "name").split()
    # Events of what was deleted expire by themselves.
    kinds = [kind for kind in kinds if not kind.startswith("events")]
    listed = json.loads(
        kubectl("get", ",".join(kinds), "-A", "-o", "json", "--ignore-not-found", timeout=240)
        or '{"items": []}'
    )
    left = [
        f"{item['kind']} {item['metadata']['name']}"
        for item in listed["items"]
        if item["metadata"].get("namespace") == NAMESPACE
        or item["metadata"].get("labels", {}).get("app.kubernetes.io/part-of") == "parley"
    ]
    assert left == []

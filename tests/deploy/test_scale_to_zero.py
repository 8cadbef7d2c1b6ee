"""The component that leaves the chat without a pod, as kustomize renders it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

MANIFESTS = Path(__file__).parents[2] / "manifests"
Objects = list[dict[str, Any]]


def only(objects: Objects, kind: str, name: str) -> dict[str, Any]:
    [found] = [o for o in objects if (o["kind"], o["metadata"]["name"]) == (kind, name)]
    return found


def test_every_step_that_calls_the_chat_waits_for_its_pod(compose: Callable[..., Objects]) -> None:
    """A language whose branch still called the service would fail while it sleeps."""
    objects = compose("scale-to-zero")
    nodes = only(objects, "InferenceGraph", "multilingual-chat")["spec"]["nodes"]
    steps = [step for node in nodes.values() for step in node["steps"] if step["name"] == "chat"]
    plain = only(compose(), "InferenceGraph", "multilingual-chat")["spec"]["nodes"]
    assert len(steps) == sum(
        step.get("serviceName") == "chat" for node in plain.values() for step in node["steps"]
    )
    door = only(objects, "Service", "chat-interceptor")["metadata"]
    [host] = only(objects, "HTTPScaledObject", "chat")["spec"]["hosts"]
    assert host == f"{door['name']}.{door['namespace']}.svc.cluster.local"
    for step in steps:
        assert step["serviceUrl"] == f"http://{host}:8080/v1/models/chat:predict"
        assert "serviceName" not in step


def test_keda_alone_says_how_many_pods_there_are(compose: Callable[..., Objects]) -> None:
    objects = compose("scale-to-zero")
    chat = only(objects, "InferenceService", "chat")
    assert chat["metadata"]["annotations"]["serving.kserve.io/autoscalerClass"] == "external"
    scaled = only(objects, "ScaledObject", "chat")["spec"]
    assert scaled["minReplicaCount"] == chat["spec"]["predictor"]["minReplicas"] == 0
    target = only(objects, "HTTPScaledObject", "chat")["spec"]["scaleTargetRef"]
    assert scaled["scaleTargetRef"]["name"] == target["name"] == "chat-predictor"


def test_a_language_whose_branch_it_does_not_know_is_refused(
    kustomize: list[str], tmp_path: Path
) -> None:
    """Also where the branch is all that the language added."""
    up = "../" * len(tmp_path.resolve().parts[1:])
    manifests = up + str(MANIFESTS.resolve())[1:]
    branch = {"name": "it", "nodeName": "it", "condition": "x", "dependency": "Hard"}
    added = [{"op": "add", "path": "/spec/nodes/by-language/steps/2", "value": branch}]
    before = tmp_path / "languages"
    before.mkdir()
    overlay = {
        "resources": [f"../{manifests}/overlays/embedded"],
        "patches": [{"target": {"kind": "InferenceGraph"}, "patch": yaml.safe_dump(added)}],
    }
    (before / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
    chosen = {
        "resources": ["languages"],
        "components": [f"{manifests}/components/scale-to-zero"],
    }
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(chosen))
    done = subprocess.run([*kustomize, str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert "testing value /spec/nodes/by-language/steps/2/name failed" in done.stderr

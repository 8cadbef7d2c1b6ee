"""The component that leaves the chat without a pod, as kustomize renders it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

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

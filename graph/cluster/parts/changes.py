"""Whether KServe has taken the last change of an object.

Its `observedGeneration` is that of the Deployment, so it does not say. What tells is the Deployment
itself: it has the containers of the InferenceService, or the nodes of the InferenceGraph, and no
fewer pods than the least that is asked for, to which an autoscaler brings it. Where a cluster
changes Deployments by a policy of its own they never are the same, so a difference counts only for
a while after the change.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from graph.cluster.reasons.model import Object

# KServe takes a change within a second; its controller may just be starting.
_PATIENCE = timedelta(seconds=30)
_COMPARED = ("image", "command", "args")


def is_behind(found: Object, deployments: Sequence[Object], taken: datetime) -> bool:
    """found: an InferenceService or InferenceGraph.  taken: when all of it was read."""
    if not _was_just_changed(found, taken):
        return False
    spec = found.get("spec", {})
    predictor = spec.get("predictor", {})
    wanted = _nodes(found) or _containers(predictor)
    least = predictor.get("minReplicas") or spec.get("minReplicas") or 0
    if max((each["spec"].get("replicas", 1) for each in deployments), default=0) < least:
        return True
    return bool(wanted) and not any(_has(each, wanted) for each in deployments)


def _was_just_changed(found: Object, taken: datetime) -> bool:
    times = [
        datetime.fromisoformat(entry["time"])
        for entry in found["metadata"].get("managedFields") or ()
        if "time" in entry and not entry.get("subresource")
    ]
    return bool(times) and taken - max(times) < _PATIENCE


def _has(deployment: Object, wanted: dict[str, Any]) -> bool:
    spec = deployment["spec"]["template"]["spec"]
    if "root" in wanted:
        return _router_nodes(spec) == wanted
    there = _containers(spec)
    return all(there.get(name) == container for name, container in wanted.items())


def _containers(spec: Object) -> dict[str, Any]:
    return {
        container.get("name", ""): [container.get(key) for key in _COMPARED]
        for container in spec.get("containers") or ()
    }


def _nodes(graph: Object) -> dict[str, Any]:
    nodes = graph.get("spec", {}).get("nodes") or {}
    return {name: _without_urls(node) for name, node in nodes.items()}


def _router_nodes(spec: Object) -> dict[str, Any]:
    """What KServe gave to the router: the graph, with the URL of each service filled in."""
    arguments = [*(spec["containers"][0].get("args") or ()), ""]
    for option, value in zip(arguments, arguments[1:], strict=False):
        if option == "--graph-json":
            return _nodes({"spec": json.loads(value)})
    return {}


def _without_urls(node: Object) -> Any:
    steps = [
        {k: v for k, v in step.items() if k != "serviceUrl" or not step.get("serviceName")}
        for step in node.get("steps") or ()
    ]
    return {**node, "steps": steps}

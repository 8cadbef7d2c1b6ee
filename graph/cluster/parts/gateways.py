"""Chat gateways as parts: Deployments of anybody's whose pods are told to serve a graph."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

from graph.cluster.live import is_going
from graph.cluster.parts.deployed import late
from graph.cluster.parts.model import Part, State
from graph.cluster.parts.pods import Workloads, describe_pods
from graph.cluster.parts.rollouts import describe_rollout, explain_rollout, find_rollout_problem
from graph.cluster.reasons.model import Object

# An option of `graph.gateway`, and the variable that stands for it.
_OPTION, _VARIABLE = "--inference-graph", "PARLEY_INFERENCE_GRAPH"


def find_gateways(graph: str, deployments: Iterable[Object]) -> Iterator[Object]:
    """Those of which a container names the graph."""
    for deployment in deployments:
        containers = deployment["spec"]["template"]["spec"].get("containers") or ()
        if any(_serves(graph, container) for container in containers):
            yield deployment


def describe_gateway(deployment: Object, workloads: Workloads) -> Part:
    """Ready when all its pods are new and available; they are when they know their graph."""
    kind, name = "Deployment", deployment["metadata"]["name"]
    if is_going(deployment):
        return Part(kind, name, State.WAITING, "is being deleted")
    pods = describe_pods(workloads, deployment["spec"]["selector"].get("matchLabels") or {})
    problem = find_rollout_problem(deployment)
    if problem:
        return late(kind, name, problem, explain_rollout([deployment]), pods)
    return Part(kind, name, State.READY, describe_rollout([deployment]), parts=pods)


def _serves(graph: str, container: Object) -> bool:
    """The name may be a word of its own."""
    words = [*(container.get("command") or ()), *(container.get("args") or ())]
    environ = {each["name"]: each.get("value") for each in container.get("env") or ()}
    return (
        f"{_OPTION}={graph}" in words
        or (_OPTION, graph) in pairwise(words)
        or environ.get(_VARIABLE) == graph
    )

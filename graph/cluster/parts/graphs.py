"""InferenceGraphs as parts: the graph's router, and what keeps KServe from making it."""

from __future__ import annotations

from collections.abc import Sequence

from graph.cluster.parts.applications import Application
from graph.cluster.parts.model import Part, State, state_of
from graph.cluster.parts.pods import Workloads, describe_pods
from graph.cluster.parts.rollouts import describe_rollout, explain_rollout, find_rollout_problem
from graph.cluster.parts.services import condition_of, deployments_of, is_going, is_stopped
from graph.cluster.reasons.model import Cause, Object, Reason
from graph.cluster.snapshot import Snapshot

GRAPH_LABEL = "serving.kserve.io/inferencegraph"


def describe_graph(
    application: Application, services: Sequence[Part], snapshot: Snapshot, workloads: Workloads
) -> Part | None:
    """Ready when all pods of its router are new and available, and KServe says so too."""
    graph = application.graph
    if graph is None:
        return None
    name = graph["metadata"]["name"]
    if is_stopped(graph):
        return Part("InferenceGraph", name, State.STOPPED, "paused")
    if is_going(graph):
        return Part("InferenceGraph", name, State.WAITING, "is being deleted")
    deployments = deployments_of(snapshot, GRAPH_LABEL, name)
    pods = describe_pods(workloads, GRAPH_LABEL, name)
    missing = _explain_missing(application)
    problem = missing.message if missing else _find_problem(graph, deployments, services)
    if not problem:
        return Part("InferenceGraph", name, State.READY, describe_rollout(deployments), parts=pods)
    reason = missing or explain_rollout(deployments)
    state = State.FAILING if any(p.state is State.FAILING for p in pods) else state_of(reason)
    return Part("InferenceGraph", name, state, problem, reason, pods)


def _find_problem(graph: Object, deployments: Sequence[Object], services: Sequence[Part]) -> str:
    if not deployments:
        late = [service.name for service in services if not service.ready]
        return f"waits for {', '.join(late)}" if late else "waits for KServe to make its router"
    if any(map(is_going, deployments)):
        return "its router is being deleted"
    problem = next(filter(None, map(find_rollout_problem, deployments)), "")
    if problem:
        return f"router: {problem}"
    ready = condition_of(graph, "Ready").get("status") == "True"
    return "" if ready else "KServe does not say that it is ready"


def _explain_missing(application: Application) -> Reason | None:
    if not application.missing:
        return None
    first = application.missing[0]
    return Reason(
        Cause.MISSING,
        f'step "{first.step}" of node "{first.node}" calls InferenceService {first.service}, '
        "which is not there",
        "apply it, or change the step",
    )

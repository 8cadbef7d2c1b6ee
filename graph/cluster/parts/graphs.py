"""InferenceGraphs as parts: the graph's router, and what keeps KServe from making it."""

from __future__ import annotations

from collections.abc import Sequence

from graph.cluster.held import is_paused
from graph.cluster.live import is_going
from graph.cluster.parts.applications import Application
from graph.cluster.parts.changes import is_behind
from graph.cluster.parts.model import Part, State, state_of
from graph.cluster.parts.pods import Workloads, describe_pods
from graph.cluster.parts.rollouts import describe_rollout, explain_rollout, find_rollout_problem
from graph.cluster.parts.services import BEHIND, condition_of, deployments_of
from graph.cluster.reasons.model import Cause, Object, Reason
from graph.cluster.snapshot import Snapshot

# What a graph waits for whose services are all ready.
WAITS_FOR_KSERVE = "waits for KServe to make its router"
GRAPH_LABEL = "serving.kserve.io/inferencegraph"


def describe_graph(
    application: Application, services: Sequence[Part], snapshot: Snapshot, workloads: Workloads
) -> Part | None:
    """Ready when all pods of its router are new and available, and KServe says so too."""
    graph = application.graph
    if graph is None:
        return None
    name = graph["metadata"]["name"]
    if is_paused(graph):
        return Part("InferenceGraph", name, State.STOPPED, "paused")
    if is_going(graph):
        return Part("InferenceGraph", name, State.WAITING, "is being deleted")
    deployments = deployments_of(snapshot, GRAPH_LABEL, name)
    pods = describe_pods(workloads, GRAPH_LABEL, name)
    missing = _explain_missing(application)
    problem = missing.message if missing else _find_problem(graph, deployments, services)
    if not problem and is_behind(graph, deployments, snapshot.taken):
        problem = BEHIND
    if not problem:
        return Part("InferenceGraph", name, State.READY, describe_rollout(deployments), parts=pods)
    reason = missing or explain_rollout(deployments)
    state = State.FAILING if any(p.state is State.FAILING for p in pods) else state_of(reason)
    return Part("InferenceGraph", name, state, problem, reason, pods)


def _find_problem(graph: Object, deployments: Sequence[Object], services: Sequence[Part]) -> str:
    if not deployments:
        late = [service.name for service in services if not service.ready]
        return f"waits for {', '.join(late)}" if late else WAITS_FOR_KSERVE
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

"""InferenceGraphs as parts: the graph's router, and what keeps KServe from making it."""

from __future__ import annotations

from collections.abc import Sequence

from graph.cluster.live import is_going
from graph.cluster.parts.applications import Application
from graph.cluster.parts.deployed import describe_deployed
from graph.cluster.parts.model import Part
from graph.cluster.parts.pods import Workloads
from graph.cluster.parts.rollouts import explain_rollout, find_rollout_problem
from graph.cluster.parts.services import condition_of
from graph.cluster.reasons.model import Cause, Object, Reason
from graph.cluster.snapshot import Snapshot

# What a graph waits for whose services are all ready.
WAITS_FOR_KSERVE = "waits for KServe to make its router"


def describe_graph(
    application: Application, services: Sequence[Part], snapshot: Snapshot, workloads: Workloads
) -> Part | None:
    """Ready when all pods of its router are new and available, and KServe says so too."""
    graph = application.graph
    if graph is None:
        return None
    missing = _explain_missing(application)
    return describe_deployed(
        graph,
        snapshot,
        workloads,
        lambda made: missing.message if missing else _find_problem(graph, made, services),
        lambda made: missing or explain_rollout(made),
    )


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

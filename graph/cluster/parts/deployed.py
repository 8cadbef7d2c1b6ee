"""What KServe makes Deployments of: an InferenceService, or the router of an InferenceGraph.

Either is ready when KServe says so and all pods of its Deployments are new and available.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from graph.cluster.held import is_paused
from graph.cluster.live import is_going
from graph.cluster.parts.changes import is_behind
from graph.cluster.parts.model import Part, State, state_of
from graph.cluster.parts.pods import Workloads, describe_pods
from graph.cluster.parts.rollouts import describe_rollout
from graph.cluster.reasons.model import Object, Reason
from graph.cluster.snapshot import DEPLOYMENT, Snapshot

# The label that KServe gives to the Deployments and pods of each kind.
SERVICE_LABEL = "serving.kserve.io/inferenceservice"
GRAPH_LABEL = "serving.kserve.io/inferencegraph"
_LABELS = {"InferenceService": SERVICE_LABEL, "InferenceGraph": GRAPH_LABEL}
_BEHIND = "KServe has not taken its last change yet"

Deployments = Sequence[Object]


def describe_deployed(
    found: Object,
    snapshot: Snapshot,
    workloads: Workloads,
    find_problem: Callable[[Deployments], str],
    explain: Callable[[Deployments], Reason | None],
) -> Part:
    """find_problem: what is still to happen, "" where nothing is.  explain: why, where it is known.

    Both are given the Deployments that KServe made of `found`.
    """
    kind, name = found["kind"], found["metadata"]["name"]
    if is_paused(found):
        return Part(kind, name, State.STOPPED, "paused")
    if is_going(found):
        return Part(kind, name, State.WAITING, "is being deleted")
    deployments = deployments_of(snapshot, _LABELS[kind], name)
    pods = describe_pods(workloads, {_LABELS[kind]: name})
    problem = find_problem(deployments)
    if not problem and is_behind(found, deployments, snapshot.taken):
        problem = _BEHIND
    if not problem:
        return Part(kind, name, State.READY, describe_rollout(deployments), parts=pods)
    return late(kind, name, problem, explain(deployments), pods)


def late(kind: str, name: str, problem: str, reason: Reason | None, pods: tuple[Part, ...]) -> Part:
    """A part that is not ready. It fails when one of its pods does."""
    failing = any(pod.state is State.FAILING for pod in pods)
    return Part(kind, name, State.FAILING if failing else state_of(reason), problem, reason, pods)


def deployments_of(snapshot: Snapshot, label: str, value: str) -> list[Object]:
    found = snapshot.of(DEPLOYMENT)
    return [each for each in found if each["metadata"].get("labels", {}).get(label) == value]

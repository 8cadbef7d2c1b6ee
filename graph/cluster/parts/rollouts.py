"""Whether a Deployment has rolled out: all its pods are new and available.

The rule is that of `kubectl rollout status`. KServe's own conditions do not count the generation of
a Deployment, and so call an InferenceService ready while its old pods still answer.
"""

from __future__ import annotations

from collections.abc import Sequence

from graph.cluster.reasons.model import Object, Reason
from graph.cluster.reasons.refusals import explain_refusal


def describe_rollout(deployments: Sequence[Object]) -> str:
    """How many pods are available, of how many."""
    wanted = sum(map(_wanted, deployments))
    available = sum(d.get("status", {}).get("availableReplicas", 0) for d in deployments)
    return f"{available} of {wanted} pods available" if wanted else "scaled to no pods"


def find_rollout_problem(deployment: Object) -> str:
    """What is still to happen, "" where it has rolled out."""
    status, wanted = deployment.get("status", {}), _wanted(deployment)
    if status.get("observedGeneration", 0) < deployment["metadata"].get("generation", 0):
        return "its change is not seen yet"
    updated, all_pods = status.get("updatedReplicas", 0), status.get("replicas", 0)
    if updated < wanted:
        return f"{updated} of {wanted} pods are new"
    if all_pods > updated:
        old = all_pods - updated
        return "1 old pod still runs" if old == 1 else f"{old} old pods still run"
    available = status.get("availableReplicas", 0)
    return "" if available >= wanted else f"{available} of {wanted} pods available"


def explain_rollout(deployments: Sequence[Object]) -> Reason | None:
    """Why there are no pods; None where nothing forbids them."""
    for deployment in deployments:
        for condition in deployment.get("status", {}).get("conditions", ()):
            if condition["type"] == "ReplicaFailure" and condition["status"] == "True":
                return explain_refusal(condition.get("message", ""))
    return None


def _wanted(deployment: Object) -> int:
    replicas = deployment["spec"].get("replicas")
    return 1 if replicas is None else int(replicas)

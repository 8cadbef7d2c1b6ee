"""InferenceServices as parts."""

from __future__ import annotations

from collections.abc import Sequence

from graph.cluster.parts.model import Part, State, state_of
from graph.cluster.parts.pods import Workloads, describe_pods
from graph.cluster.parts.rollouts import describe_rollout, explain_rollout, find_rollout_problem
from graph.cluster.reasons.events import events_of
from graph.cluster.reasons.model import Cause, Object, Reason, shorten
from graph.cluster.snapshot import DEPLOYMENT, Snapshot

SERVICE_LABEL = "serving.kserve.io/inferenceservice"
STOP = "serving.kserve.io/stop"


def describe_service(service: Object, snapshot: Snapshot, workloads: Workloads) -> Part:
    """Ready when KServe says so and all pods of its Deployments are new and available."""
    name = service["metadata"]["name"]
    if is_stopped(service):
        return Part("InferenceService", name, State.STOPPED, "paused")
    if is_going(service):
        return Part("InferenceService", name, State.WAITING, "is being deleted")
    deployments = deployments_of(snapshot, SERVICE_LABEL, name)
    pods = describe_pods(workloads, SERVICE_LABEL, name)
    problem = find_problem(service, deployments)
    if not problem:
        return Part(
            "InferenceService", name, State.READY, describe_rollout(deployments), parts=pods
        )
    reason = explain_rollout(deployments)
    if reason is None and not deployments:
        reason = _explain_kserve(service, workloads)
    state = state_of(reason)
    if any(pod.state is State.FAILING for pod in pods):
        state = State.FAILING
    return Part("InferenceService", name, state, problem, reason, pods)


def find_problem(service: Object, deployments: Sequence[Object]) -> str:
    """What is still to happen, "" where nothing is."""
    if not deployments:
        return "KServe has made no Deployment yet"
    if any(map(is_going, deployments)):
        return "its Deployment is being deleted"
    problem = next(filter(None, map(find_rollout_problem, deployments)), "")
    if problem or condition_of(service, "Ready").get("status") == "True":
        return problem
    return _words_of_conditions(service) or "KServe does not say that it is ready"


def deployments_of(snapshot: Snapshot, label: str, value: str) -> list[Object]:
    found = snapshot.of(DEPLOYMENT)
    return [each for each in found if each["metadata"].get("labels", {}).get(label) == value]


def is_stopped(found: Object) -> bool:
    """Whether KServe's annotation stops an InferenceService or an InferenceGraph."""
    annotations = found["metadata"].get("annotations") or {}
    return str(annotations.get(STOP, "")).lower() == "true"


def is_going(found: Object) -> bool:
    return "deletionTimestamp" in found["metadata"]


def condition_of(found: Object, kind: str) -> Object:
    """Empty where it is not there."""
    conditions = found.get("status", {}).get("conditions") or ()
    return next((each for each in conditions if each["type"] == kind), {})


def _explain_kserve(service: Object, workloads: Workloads) -> Reason | None:
    """Why KServe makes no Deployment, in its own words: a failure, a condition, an event."""
    failure = service.get("status", {}).get("modelStatus", {}).get("lastFailureInfo") or {}
    events = events_of(workloads.events, "InferenceService", service["metadata"]["name"])
    warned = next((event.message for event in events if event.warning), "")
    words = failure.get("message") or _words_of_conditions(service) or warned
    if not words:
        return None
    return Reason(
        Cause.KSERVE,
        f"KServe: {shorten(words)}",
        "change the InferenceService so; `parley doctor` looks at KServe itself",
    )


def _words_of_conditions(service: Object) -> str:
    """Of the first condition that is not met, the summary last."""
    conditions = service.get("status", {}).get("conditions") or ()
    unmet = [
        f"{each['type']}: {each.get('message') or each.get('reason', '')}"
        for each in sorted(conditions, key=lambda each: bool(each["type"] == "Ready"))
        if each["status"] != "True" and each.get("severity") != "Info"
    ]
    return shorten(unmet[0]) if unmet else ""

"""Why a pod does not run or is not ready: the first of the rules that finds something."""

from __future__ import annotations

from collections.abc import Sequence

from graph.cluster.reasons.claims import Claim
from graph.cluster.reasons.containers import explain_container
from graph.cluster.reasons.conversions import Job, explain_conversion
from graph.cluster.reasons.devices import explain_creation
from graph.cluster.reasons.events import Event, newest
from graph.cluster.reasons.model import Cause, Reason, shorten
from graph.cluster.reasons.pod import Pod
from graph.cluster.reasons.scheduling import explain_scheduling

_UNPREPARED = "FailedPrepareDynamicResources"
_NODE_EVENTS = ("FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox", _UNPREPARED)


def explain_pod(
    pod: Pod, events: Sequence[Event], claims: Sequence[Claim], jobs: Sequence[Job]
) -> Reason | None:
    """None for a pod that is ready, done, or on its way without any trouble.

    events: those of the pod, the newest first.  claims: those that it mounts.  jobs: all of the
    namespace.
    """
    if pod.ready or pod.phase == "Succeeded":
        return None
    unclaimed = explain_creation(pod, events)
    if unclaimed:
        return unclaimed
    if pod.unscheduled:
        return explain_scheduling(pod, claims)
    for container in pod.containers:
        about = [event for event in events if event.container in ("", container.name)]
        reason = explain_container(pod, container, about)
        if reason:
            return reason
    return explain_conversion(pod, jobs) or _explain_failure(pod) or _explain_node(pod, events)


def describe_progress(pod: Pod, events: Sequence[Event]) -> str:
    """What a pod is doing now, in a few words."""
    if pod.going:
        return "is ending"
    if pod.ready:
        return "ready"
    if pod.phase in ("Succeeded", "Failed"):
        return pod.phase.lower()
    if not pod.node:
        return "waits for a node"
    for container in pod.containers:
        if container.init and container.running:
            return f"init container {container.name} is at work"
    if any(container.running for container in pod.containers):
        return "starts"
    pulling = newest(events[:1], "Pulling")
    return shorten(pulling.message, 100) if pulling else "is being created"


def _explain_failure(pod: Pod) -> Reason | None:
    if pod.phase != "Failed":
        return None
    words = ": ".join(part for part in (pod.reason, pod.message) if part)
    return Reason(
        Cause.EVICTED,
        f"the pod was ended by its node: {shorten(words)}",
        "free the node's disk or memory, or set limits that the pod keeps to",
    )


def _explain_node(pod: Pod, events: Sequence[Event]) -> Reason | None:
    """Between the scheduling and the start of the first container."""
    if any(container.running or container.restarts for container in pod.containers):
        return None
    event = newest(events, *_NODE_EVENTS)
    if event is None:
        return None
    if event.reason == "FailedCreatePodSandBox":
        return Reason(
            Cause.NOT_STARTED,
            f"its node cannot set the pod up: {shorten(event.message)}",
            "check the network plugin and the container runtime of the node",
        )
    if event.reason == _UNPREPARED:
        return Reason(
            Cause.NOT_STARTED,
            f"its node cannot prepare the claimed devices: {shorten(event.message)}",
            "check the DRA driver's pod on the node",
        )
    return Reason(
        Cause.NOT_MOUNTED,
        f"a volume cannot be mounted: {shorten(event.message)}",
        "check that what the volume names is there and that the node reaches its storage",
    )

"""Why a container does not run, or runs and is not ready."""

from __future__ import annotations

from collections.abc import Sequence

from graph.cluster.reasons.events import Event, newest
from graph.cluster.reasons.images import explain_image
from graph.cluster.reasons.model import Cause, LogSource, Reason, shorten
from graph.cluster.reasons.pod import Container, End, Pod

_NOT_STARTED = frozenset(
    ("CreateContainerConfigError", "CreateContainerError", "RunContainerError")
    + ("ContainerCannotRun", "StartError", "PreCreateHookError", "PostStartHookError")
)
_CODES = {
    2: "a wrong option or setting, as its log says",
    126: "its command cannot be run",
    127: "its command is not in the image",
    132: "the processor lacks an instruction that it uses",
    137: "it was killed from outside",
    139: "it crashed in native code",
    143: "it was told to stop",
}


def explain_container(pod: Pod, container: Container, events: Sequence[Event]) -> Reason | None:
    """events: those about it, the newest first. None for a container that is well, or on its way.

    What happened last counts before what it does now: between two crashes it runs for a while.
    """
    if container.ready or (container.init and container.ended and not container.ended.failed):
        return None
    return (
        explain_image(container, events)
        or _not_started(container)
        or _ended(pod, container, events)
        or _probe(pod, container, events)
    )


def _not_started(container: Container) -> Reason | None:
    ended = container.ended or container.before
    reason = container.waiting or (ended.reason if ended else "")
    words = container.message or (ended.message if ended else "")
    if reason == "CrashLoopBackOff" and ended and ended.reason in _NOT_STARTED:
        reason, words = ended.reason, ended.message
    if reason not in _NOT_STARTED:
        return None
    fix = "check its command, its user and its mounts"
    if "not found" in words and ("configmap" in words or "secret" in words):
        fix = "apply what it names, or change the name"
    elif "runAsNonRoot" in words:
        fix = "set securityContext.runAsUser to a user of the image that is not root"
    message = f"container {container.name} cannot start: {shorten(words or reason)}"
    return Reason(Cause.NOT_STARTED, message, fix)


def _ended(pod: Pod, container: Container, events: Sequence[Event]) -> Reason | None:
    end = container.ended or container.before
    if end is None or not (end.failed or container.waiting == "CrashLoopBackOff"):
        return None
    what = f"{'init container' if container.init else 'container'} {container.name}"
    times = f", {container.restarts} restarts" if container.restarts else ""
    log = LogSource(
        pod.name, container.name, previous=container.ended is None, restarts=container.restarts
    )
    if end.reason == "OOMKilled":
        limit = f" (now {container.memory_limit})" if container.memory_limit else ""
        return Reason(
            Cause.OUT_OF_MEMORY,
            f"{what} ran out of memory{times}",
            f"raise resources.limits.memory{limit}, or use a smaller model",
            log,
        )
    killing = newest(events, "Killing")
    if killing and "failed liveness probe" in killing.message and end.code in (137, 143, 0):
        unhealthy = newest(events, "Unhealthy")
        words = f": {shorten(unhealthy.message)}" if unhealthy else ""
        return Reason(
            Cause.PROBE_FAILING,
            f"{what} is killed because its liveness probe fails{times}{words}",
            "see its log; give the probe more time if it is only slow",
            log,
        )
    return Reason(
        Cause.CRASH,
        f"{what} ended with exit code {end.code}{_why(end)}{times}",
        "its last log lines say why; `parley logs --previous` shows all",
        log,
    )


def _why(end: End) -> str:
    if end.message:
        return f": {shorten(end.message)}"
    return f" ({_CODES[end.code]})" if end.code in _CODES else ""


def _probe(pod: Pod, container: Container, events: Sequence[Event]) -> Reason | None:
    if not container.running or container.init:
        return None
    unhealthy = newest(events, "Unhealthy")
    if unhealthy is None:
        return None
    return Reason(
        Cause.PROBE_FAILING,
        f"container {container.name} {'is not ready' if container.started else 'is starting'}: "
        + shorten(unhealthy.message),
        "it may still load its model; see its log with `parley logs`",
    )

"""What only pods can tell: images that are pulled, DNS that answers, policies that are enforced."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

from graph.cluster.connection import Cluster
from graph.cluster.doctor import probe_objects
from graph.cluster.doctor.model import Finding, failure, note, ok
from graph.cluster.logs import EVERYTHING, read_log
from graph.cluster.reasons.events import events_of, read_events
from graph.cluster.reasons.model import Cause, Object, Reason
from graph.cluster.reasons.pod import Pod, read_pod
from graph.cluster.reasons.rules import explain_pod
from graph.cluster.snapshot import EVENT, POD, Snapshot
from graph.cluster.watches import Watches
from graph.errors import ClusterError, TimedOut

_ENDED = ("Succeeded", "Failed")
# A pull may take minutes; what cannot be pulled says so at once.
_SECONDS = 180.0
_IMAGES = (Cause.IMAGE_NOT_FOUND, Cause.IMAGE_NOT_PULLED)


def probe_cluster(cluster: Cluster, images: Sequence[str]) -> Iterator[Finding]:
    """Pods of the first image probe the network; the others are only pulled.

    It makes pods and a NetworkPolicy in the namespace, and takes them away again. The first image
    needs `python`. Raises ClusterError.
    """
    first, *others = images
    name = f"parley-probe-{secrets.token_hex(3)}"
    with Watches(cluster, _resources(cluster)) as watches, ExitStack() as made:
        for number, image in enumerate(others):
            other = probe_objects.client(f"{name}-{number}", image, "-")
            made.enter_context(_made(cluster, other))
        server = made.enter_context(_made(cluster, probe_objects.server(f"{name}-server", first)))
        pod, reason = await_pod(watches.next, server, lambda pod: pod.ready)
        yield _judge_image(first, reason)
        if reason is None:
            address = _address(watches, pod.name)
            made.enter_context(_made(cluster, probe_objects.policy(server)))
            client = probe_objects.client(f"{name}-client", first, address)
            asking = made.enter_context(_made(cluster, client))
            yield from _judge_network(cluster, watches, asking)
        for number, image in enumerate(others):
            yield _judge_image(image, await_pod(watches.next, f"{name}-{number}", _was_pulled)[1])


def _resources(cluster: Cluster) -> dict[Any, Any]:
    return {kind: cluster.resource(kind.api_version, kind.name) for kind in (POD, EVENT)}


@contextmanager
def _made(cluster: Cluster, body: Object) -> Iterator[str]:
    """An object, by its name, for as long as the block lasts."""
    name, kind = str(body["metadata"]["name"]), str(body["kind"])
    resource = cluster.resource(body["apiVersion"], kind)
    with cluster.speaking(f"{kind}/{name}"):
        resource.create(body=body, namespace=cluster.namespace, field_manager="parley-doctor")
    try:
        yield name
    finally:
        with suppress(ClusterError), cluster.speaking(f"{kind}/{name}"):
            resource.delete(name, cluster.namespace, body={"gracePeriodSeconds": 0})


def await_pod(
    read: Callable[[float], Snapshot | None], name: str, done: Callable[[Pod], bool]
) -> tuple[Pod, Reason | None]:
    """The pod when it is done, or with the reason why it never will be. Raises TimedOut.

    read: the objects after a change, or after so many seconds.
    """
    end = time.monotonic() + _SECONDS
    # It may have ended while another pod was waited for, and changes no more.
    left = 0.0
    while left >= 0:
        snapshot = read(left)
        for pod in map(read_pod, snapshot.of(POD) if snapshot else ()):
            if pod.name == name:
                reason = None if done(pod) else _trouble(pod, snapshot)
                if reason or done(pod):
                    return pod, reason
        left = end - time.monotonic()
    raise TimedOut(f"Pod/{name}: is not done after {_SECONDS:.0f} s")


def _trouble(pod: Pod, snapshot: Snapshot | None) -> Reason | None:
    events = read_events(snapshot.of(EVENT)) if snapshot else ()
    reason = explain_pod(pod, events_of(events, "Pod", pod.name), (), ())
    return reason if reason and reason.failing else None


def _was_pulled(pod: Pod) -> bool:
    """Whether its container began, whatever became of it then."""
    return any(c.running or c.ended or c.waiting == "RunContainerError" for c in pod.containers)


def _address(watches: Watches, name: str) -> str:
    snapshot = watches.next(0)
    pods = snapshot.of(POD) if snapshot else ()
    return next(str(p["status"]["podIP"]) for p in pods if p["metadata"]["name"] == name)


def _judge_image(image: str, reason: Reason | None) -> Finding:
    check = f"image {image}"
    if reason is None:
        return ok(check, "is pulled")
    message = reason.message.removeprefix(f"{check} ")
    return (failure if reason.cause in _IMAGES else note)(check, message, reason.fix)


def _judge_network(cluster: Cluster, watches: Watches, client: str) -> Iterator[Finding]:
    pod, reason = await_pod(watches.next, client, lambda pod: pod.phase in _ENDED)
    lines = read_log(cluster, client, "probe", EVERYTHING)
    try:
        told = json.loads(lines[-1].text)
    except (IndexError, ValueError):
        words = reason.message if reason else f"it ended as {pod.phase}"
        yield note("network", f"the probe said nothing: {words}", "give an --image with python")
        return
    if told["dns"]:
        yield ok("DNS from a pod", "answers")
    else:
        fix = "see the pods of the cluster's DNS, and policies of the namespace"
        yield failure("DNS from a pod", "does not answer", fix)
    if not told["open"]:
        fix = "a policy of the namespace may keep its pods apart"
        yield note("NetworkPolicy", "pods of the namespace do not reach each other", fix)
    elif told["closed"]:
        yield note(
            "NetworkPolicy",
            "is not enforced: a pod was reached on a port that a policy closes",
            "install a network plugin that enforces it, such as Calico or Cilium; until then "
            "the shipped policies protect nothing",
        )
    else:
        yield ok("NetworkPolicy", "is enforced")

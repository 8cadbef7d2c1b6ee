"""The logs of all containers of applications, Jobs or pods, as one stream of lines."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kubernetes.client import CoreV1Api

from graph.cluster.connection import Cluster
from graph.cluster.parts.applications import find_applications
from graph.cluster.parts.deployed import GRAPH_LABEL, SERVICE_LABEL
from graph.cluster.reasons.model import Object
from graph.cluster.reasons.pod import Container, Pod, read_pod
from graph.cluster.snapshot import JOB, POD, Snapshot, read_snapshot
from graph.errors import NotFound, Refused

JOB_LABEL = "job-name"
_JOB_WORDS, _POD_WORDS = ("job", "jobs"), ("pod", "pods", "po")
# The node says so in the place of a log that it has thrown away.
_NOT_KEPT = "unable to retrieve container logs for"


@dataclass(frozen=True)
class Line:
    """time: when the node received it, as RFC 3339, which sorts; "" where it is not known."""

    pod: str
    container: str
    time: str
    text: str


@dataclass(frozen=True)
class Wanted:
    """Which lines. container: only of this name, "" for all.  tail: so many of each container's
    last ones, -1 for all.  since: of the last so many seconds, 0 for all.
    """

    container: str = ""
    tail: int = -1
    since: int = 0


EVERYTHING = Wanted()


def read_logs(
    cluster: Cluster, names: Sequence[str] = (), wanted: Wanted = EVERYTHING, previous: bool = False
) -> Iterator[Line]:
    """The lines there are now, in the order of their times.

    names: of applications (as for `read_status`), Jobs or pods; without them, all applications of
    the namespace.  previous: of the containers before their last restart.
    Raises NotFound, where nothing has such a name, and any other ClusterError.
    """
    pods = find_pods(read_snapshot(cluster), names)
    logs = [
        read_log(cluster, pod.name, container.name, wanted, previous)
        for pod in pods
        for container in containers_of(pod, wanted)
        if container.restarts or not previous
    ]
    # The two streams of one container are not quite in order either.
    yield from sorted(itertools.chain(*logs), key=lambda line: line.time)


def read_log(
    cluster: Cluster, pod: str, container: str, wanted: Wanted, previous: bool = False
) -> list[Line]:
    """Of one container; none where it has not begun. Raises ClusterError."""
    api = CoreV1Api(cluster.api)
    try:
        with cluster.speaking(f"log of Pod/{pod}"):
            answer: Any = api.read_namespaced_pod_log(
                pod,
                cluster.namespace,
                container=container,
                previous=previous,
                timestamps=True,
                _preload_content=False,
                **limits(wanted),
            )
    except (NotFound, Refused):
        # It is gone, or it was never there: the server says so with 400.
        return []
    lines: list[Line] = []
    for text in answer.data.decode("utf-8", "replace").splitlines():
        line = read_line(pod, container, text)
        if not line.time and text.startswith(_NOT_KEPT):
            continue
        lines.append(line if line.time or not lines else replace(line, time=lines[-1].time))
    return lines


def limits(wanted: Wanted) -> dict[str, Any]:
    """The options of the API for what is wanted."""
    options = {"tail_lines": wanted.tail} if wanted.tail >= 0 else {}
    return options | ({"since_seconds": wanted.since} if wanted.since else {})


def read_line(pod: str, container: str, line: str) -> Line:
    """A line that begins with its time. One that is too long for the node goes on without."""
    time, space, text = line.partition(" ")
    if space and time[:4].isdigit() and "T" in time:
        return Line(pod, container, time, text)
    return Line(pod, container, "", line)


def find_pods(snapshot: Snapshot, names: Sequence[str]) -> list[Pod]:
    """Raises NotFound for a name that no application, no Job and no pod has."""
    pods = list(map(read_pod, snapshot.of(POD)))
    if not names:
        return _of_applications(snapshot, (), pods)
    found = {pod.name: pod for name in names for pod in _named(name, snapshot, pods)}
    return list(found.values())


def _named(name: str, snapshot: Snapshot, pods: Sequence[Pod]) -> list[Pod]:
    kind, _, short = name.rpartition("/")
    if kind in ("", *_JOB_WORDS) and short in map(_name, snapshot.of(JOB)):
        return [pod for pod in pods if pod.labels.get(JOB_LABEL) == short]
    found = [pod for pod in pods if pod.name == short] if kind in ("", *_POD_WORDS) else []
    return found or _of_applications(snapshot, [name], pods)


def _of_applications(snapshot: Snapshot, names: Sequence[str], pods: Sequence[Pod]) -> list[Pod]:
    labels = set()
    for application in find_applications(snapshot, names):
        labels |= {(SERVICE_LABEL, _name(each)) for each in application.services}
        labels |= {(JOB_LABEL, _name(each)) for each in application.jobs}
        if application.graph:
            labels.add((GRAPH_LABEL, application.name))
    return [pod for pod in pods if labels & set(pod.labels.items())]


def containers_of(pod: Pod, wanted: Wanted) -> list[Container]:
    """Those that have begun, since only they have a log."""
    return [
        container
        for container in pod.containers
        if wanted.container in ("", container.name)
        and (container.running or container.ended or container.before)
    ]


def keep(lines: Iterable[Line], request_id: str) -> Iterator[Line]:
    """The lines that name a request; all of them for "".

    Parley's lines have a key `request_id`, with commas between several, and a stranger's line may
    hold it anywhere.
    """
    for line in lines:
        if not request_id or request_id in _request_ids(line.text):
            yield line


def _request_ids(text: str) -> Sequence[str] | str:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    if not isinstance(value, dict) or not isinstance(value.get("request_id"), str):
        return text
    return str(value["request_id"]).split(",")


def _name(found: Object) -> str:
    return str(found["metadata"]["name"])

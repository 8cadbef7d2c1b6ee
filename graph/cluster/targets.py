"""Which pods, and which port of theirs, a Service or a pod's name stands for."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from graph.cluster.connection import Cluster
from graph.cluster.reasons.model import Object
from graph.cluster.reasons.pod import Pod, read_pod
from graph.errors import NotFound, NotReady


@dataclass(frozen=True)
class Backend:
    """A pod that is ready, and the port that answers there."""

    pod: str
    port: int


@dataclass(frozen=True)
class Target:
    """A Service's pods, or one pod.

    selector: labels of the pods; empty for the one pod `name`.  port: a number or a container
    port's name; 0 for the first port of the pod.
    """

    kind: str
    name: str
    selector: Mapping[str, str]
    port: int | str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def find_target(cluster: Cluster, name: str, port: int = 0) -> Target:
    """name: `service/NAME`, `pod/NAME` or the NAME of a Service; port: 0 for the first.

    Raises NotFound where there is no such object or port, and any other ClusterError.
    """
    kind, slash, rest = name.partition("/")
    if not slash:
        kind, rest = "service", name
    if kind in ("pod", "pods", "po"):
        return Target("pod", rest, {}, port)
    if kind not in ("service", "services", "svc"):
        raise NotFound(f'"{name}": write service/NAME or pod/NAME')
    service = _get(cluster, "Service", rest)["spec"]
    if not service.get("selector"):
        raise NotFound(f"Service {rest} has no pods of its own, so no port of it can be forwarded")
    chosen = _choose_port(rest, service.get("ports") or (), port)
    return Target("service", rest, service["selector"], chosen.get("targetPort", chosen["port"]))


def find_backends(cluster: Cluster, target: Target) -> list[Backend]:
    """The ready pods now, the youngest last. Raises NotReady where there is none."""
    if not target.selector:
        found = [_get(cluster, "Pod", target.name)]
    else:
        labels = ",".join(f"{key}={value}" for key, value in target.selector.items())
        found = _list_pods(cluster, labels)
    found.sort(key=lambda pod: str(pod["metadata"].get("creationTimestamp", "")))
    ready = [(read_pod(pod), pod) for pod in found]
    backends = [Backend(p.name, _port_of(pod, target)) for p, pod in ready if _answers(p)]
    if not backends:
        where = f'namespace "{cluster.namespace}"'
        raise NotReady(f"{where}: no pod of {target} is ready; `parley status` says why")
    return backends


def _answers(pod: Pod) -> bool:
    return pod.ready and not pod.going


def _get(cluster: Cluster, kind: str, name: str) -> Object:
    resource = cluster.resource("v1", kind)
    with cluster.speaking(f"{kind}/{name}"):
        answer = resource.get(name=name, namespace=cluster.namespace, serialize=False)
    found: Object = json.loads(answer.data)
    return found


def _list_pods(cluster: Cluster, labels: str) -> list[Object]:
    resource = cluster.resource("v1", "Pod")
    with cluster.speaking("pods"):
        answer = resource.get(namespace=cluster.namespace, label_selector=labels, serialize=False)
    items: list[Object] = json.loads(answer.data)["items"]
    return items


def _choose_port(service: str, ports: Sequence[Object], port: int) -> Object:
    for each in ports:
        if port in (0, each["port"]):
            return each
    known = ", ".join(str(each["port"]) for each in ports)
    raise NotFound(f"Service {service} has no port {port}; it has {known or 'none'}")


def _port_of(pod: Object, target: Target) -> int:
    """The number of the target's port in a pod, where a name may mean another number in each."""
    if isinstance(target.port, int) and target.port:
        return target.port
    ports = [
        port
        for container in pod["spec"]["containers"]
        for port in container.get("ports") or ()
        if not target.port or port.get("name") == target.port
    ]
    if not ports:
        raise NotFound(f'pod {pod["metadata"]["name"]} names no port "{target.port or "any"}"')
    return int(ports[0]["containerPort"])

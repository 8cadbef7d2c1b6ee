"""The ways in: gateways, Ingress controllers, DNS. Whether NetworkPolicy holds is probed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from graph.cluster.connection import Cluster
from graph.cluster.doctor.kserve import find_config_maps
from graph.cluster.doctor.model import Finding, failure, note, ok
from graph.cluster.doctor.reading import labels_of, read_list
from graph.cluster.parts.services import condition_of
from graph.cluster.reasons.model import Object
from graph.cluster.reasons.pod import read_pod
from graph.cluster.search import find_namespace
from graph.errors import NamespaceMissing

_API = "gateway.networking.k8s.io/v1"
_NAME = "kubernetes.io/metadata.name"


def check_gateways(cluster: Cluster) -> Iterator[Finding]:
    """Each gateway, its class, and whether it takes routes of the namespace."""
    gateways = read_list(cluster, _API, "Gateway")
    if gateways is None:
        yield from _check_ingress(cluster)
        return
    if not gateways:
        yield failure("gateway", "there is none", "make a Gateway, such as KServe's own")
        return
    classes = {c["metadata"]["name"]: c for c in read_list(cluster, _API, "GatewayClass") or ()}
    for gateway in gateways:
        chosen = classes.get(gateway["spec"]["gatewayClassName"])
        yield judge_gateway(gateway, chosen, cluster.namespace, _labels_of_namespace(cluster))


def check_gateway_of_kserve(cluster: Cluster) -> Iterator[Finding]:
    """The gateway that KServe's settings name is there: the manifests' routes hang on it."""
    maps = find_config_maps(cluster)
    try:
        ingress = json.loads(maps[0]["data"]["ingress"]) if maps else {}
    except (KeyError, ValueError):
        return
    if not ingress.get("enableGatewayApi"):
        yield note(
            "gateway of KServe",
            "KServe does not use the Gateway API",
            "set ingress.enableGatewayApi, or reach graphs by an Ingress",
        )
        return
    namespace, _, name = str(ingress.get("kserveIngressGateway", "")).rpartition("/")
    gateways = read_list(cluster, _API, "Gateway", namespace or "kserve") or []
    if any(each["metadata"]["name"] == name for each in gateways):
        yield ok("gateway of KServe", f"{namespace}/{name}")
    else:
        fix = "make it, or name another one in ingress.kserveIngressGateway"
        yield failure("gateway of KServe", f"{namespace}/{name} is not there", fix)


def check_dns(cluster: Cluster) -> Iterator[Finding]:
    """The pods behind the cluster's DNS Service. `--probe` asks it from a pod."""
    services = read_list(cluster, "v1", "Service", "kube-system", "k8s-app=kube-dns") or []
    if not services:
        yield note("DNS", "no Service k8s-app=kube-dns", "doctor --probe asks it from a pod")
        return
    selector = services[0]["spec"].get("selector") or {}
    labels = ",".join(f"{key}={value}" for key, value in selector.items())
    pods = [read_pod(pod) for pod in read_list(cluster, "v1", "Pod", "kube-system", labels) or ()]
    ready = sum(pod.ready for pod in pods)
    if ready:
        yield ok("DNS", f"{ready} pods of {services[0]['metadata']['name']} are ready")
    else:
        yield failure("DNS", "none of its pods is ready", "kubectl get pods -n kube-system")


def judge_gateway(
    gateway: Object, chosen: Object | None, namespace: str, labels: Mapping[str, str]
) -> Finding:
    """chosen: its GatewayClass, None where it is not there.  labels: of the namespace."""
    metadata, spec = gateway["metadata"], gateway["spec"]
    name = f"{metadata['namespace']}/{metadata['name']}"
    if chosen is None:
        fix = "install the controller that brings the class, such as Envoy Gateway"
        return failure("gateway", f"{name}: no class {spec['gatewayClassName']}", fix)
    told = f"{name} by {chosen['spec']['controllerName']}"
    if condition_of(gateway, "Programmed").get("status") != "True":
        words = condition_of(gateway, "Programmed").get("message", "its controller is silent")
        return failure("gateway", f"{told} is not programmed: {words}", "see its controller's log")
    in_it = metadata["namespace"] == namespace
    if not any(_takes(each, in_it, labels) for each in spec["listeners"]):
        return note(
            "gateway",
            f"{told} takes no routes of namespace {namespace}",
            "set allowedRoutes.namespaces of a listener",
        )
    return ok("gateway", told)


def _takes(listener: Object, in_it: bool, labels: Mapping[str, str]) -> bool:
    """in_it: whether the routes are in the namespace of the gateway."""
    allowed = (listener.get("allowedRoutes") or {}).get("namespaces") or {}
    if allowed.get("from", "Same") == "Selector":
        wanted = (allowed.get("selector") or {}).get("matchLabels") or {}
        return all(labels.get(key) == wanted[key] for key in wanted)
    return allowed.get("from") == "All" or in_it


def _labels_of_namespace(cluster: Cluster) -> dict[str, str]:
    """As far as who asks may see them."""
    try:
        found = find_namespace(cluster)
    except NamespaceMissing:
        found = None
    return {_NAME: cluster.namespace} | dict(labels_of(found) if found else {})


def _check_ingress(cluster: Cluster) -> Iterator[Finding]:
    classes = read_list(cluster, "networking.k8s.io/v1", "IngressClass") or []
    names = [each["metadata"]["name"] for each in classes]
    if names:
        fix = "its HTTPRoutes need the Gateway API; an Ingress does without"
        yield note("gateway", f"no Gateway API; Ingress classes: {', '.join(names)}", fix)
    else:
        fix = "install the Gateway API and a controller such as Envoy Gateway"
        yield failure("gateway", "no Gateway API and no Ingress class", fix)

"""One request through a live graph, step by step, beside what KServe's router answers.

The graph is read from the cluster, and Parley's own router walks it: it calls the very predictors,
through forwarded ports, at the URLs that KServe gave to its router.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import SplitResult, urlsplit

import httpx2
import yaml

from graph.asgi import Answer
from graph.cluster.connection import Cluster
from graph.cluster.forward import forward
from graph.cluster.parts.deployed import GRAPH_LABEL, deployments_of
from graph.cluster.reasons.model import Object
from graph.cluster.snapshot import GRAPH, Snapshot, read_snapshot
from graph.errors import NotFound, NotReady, SpecError, find_nearest
from graph.router.walk import Visit
from graph.spec.load import choose_graph, load_objects
from graph.spec.model import Graph
from graph.testing.tracing import trace_elsewhere

# The router ends a request that is late by itself.
_MARGIN = 5


@dataclass(frozen=True)
class Trace:
    """visits, answer: of our own walk.

    router: what KServe's router answered, None where it did not, and `problem` says how.
    seconds: those that it took.
    """

    visits: tuple[Visit, ...]
    answer: Answer
    router: Answer | None
    seconds: float
    problem: str = ""


def trace_graph(cluster: Cluster, name: str, body: bytes) -> Trace:
    """name: of a graph, "" for the only one of the namespace.  body: the request.

    Raises NotFound, SpecError for a graph that Parley's router does not understand, NotReady where
    a predictor or the router has no pod, and any other ClusterError.
    """
    snapshot = read_snapshot(cluster)
    found = _choose(snapshot, name)
    graph = _read(found)
    with ExitStack() as forwards:
        urls = {
            target: _reach(cluster, urlsplit(url), forwards) or url
            for target, url in _resolved_urls(snapshot, graph).items()
        }
        visits, answer = trace_elsewhere(graph, body, urls)
        door = forwards.enter_context(forward(cluster, f"service/{graph.name}"))
        started = time.perf_counter()
        asked = _ask_router(door, body, graph.timeouts.server_write)
        seconds = time.perf_counter() - started
    router, problem = (None, asked) if isinstance(asked, str) else (asked, "")
    return Trace(tuple(visits), answer, router, seconds, problem)


def _choose(snapshot: Snapshot, name: str) -> Object:
    graphs = {str(each["metadata"]["name"]): each for each in snapshot.of(GRAPH)}
    if name in graphs:
        return graphs[name]
    where = f'namespace "{snapshot.namespace}"'
    if name or not graphs:
        near = find_nearest(name, graphs)
        hint = f'; did you mean "{near}"?' if near else ""
        raise NotFound(f"{where} has no InferenceGraph" + (f' "{name}"{hint}' if name else ""))
    if len(graphs) > 1:
        raise SpecError(f"{where} has several graphs; name one of {list(graphs)}")
    return next(iter(graphs.values()))


def _read(found: Object) -> Graph:
    kind = {"apiVersion": GRAPH.api_version, "kind": GRAPH.name}
    source = f"InferenceGraph/{found['metadata']['name']}"
    text = yaml.safe_dump({**found, **kind})
    return choose_graph(load_objects(text, source, admit=False), source)


def _resolved_urls(snapshot: Snapshot, graph: Graph) -> dict[str, str]:
    """The URL of each target as KServe gave it to its router. Raises NotReady without a router."""
    deployments = deployments_of(snapshot, GRAPH_LABEL, graph.name)
    for deployment in deployments:
        arguments = deployment["spec"]["template"]["spec"]["containers"][0].get("args") or ()
        for value in arguments:
            if value.startswith("{"):
                return dict(_urls_of(json.loads(value)))
    raise NotReady(f"InferenceGraph {graph.name} has no router yet; `parley status` says why")


def _urls_of(spec: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for node in spec["nodes"].values():
        for step in node.get("steps") or ():
            if step.get("serviceUrl"):
                yield step.get("serviceName") or step["serviceUrl"], step["serviceUrl"]


def _reach(cluster: Cluster, url: SplitResult, forwards: ExitStack) -> str:
    """The same URL through a forwarded port; "" for one outside the cluster."""
    service, _, rest = (url.hostname or "").partition(".")
    namespace, _, zone = rest.partition(".")
    if zone and not zone.startswith("svc"):
        return ""
    there = replace(cluster, namespace=namespace or cluster.namespace)
    try:
        local = forwards.enter_context(forward(there, f"service/{service}", url.port or 80))
    except NotFound:
        # A name with one dot or none may be of a machine outside.
        if zone:
            raise
        return ""
    return local + url._replace(scheme="", netloc="").geturl()


def _ask_router(url: str, body: bytes, seconds: int) -> Answer | str:
    """Its answer, or why there is none: it ends a connection where it fails itself."""
    most = seconds + _MARGIN if seconds > 0 else None
    headers = {"content-type": "application/json"}
    try:
        answered = httpx2.post(url, content=body, headers=headers, timeout=most, trust_env=False)
    except httpx2.TransportError as err:
        return str(err) or type(err).__name__
    return Answer(answered.status_code, answered.content, answered.headers.get("content-type"))

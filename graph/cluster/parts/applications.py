"""Which objects of a namespace make an application.

An InferenceGraph and the InferenceServices that its steps call are one, with the Jobs that fill
their volumes, the gateways before the graph and the routes that lead to them; it has the graph's
name. An InferenceService that no graph calls is one by itself. Labels do not matter, so that it
holds for anybody's objects; only a name may also be that of the label `app.kubernetes.io/instance`,
such as a Helm release's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from graph.cluster.naming import split_name
from graph.cluster.parts.gateways import find_gateways
from graph.cluster.parts.routes import backends_of
from graph.cluster.reasons.model import Object
from graph.cluster.reasons.pod import read_claims
from graph.cluster.snapshot import DEPLOYMENT, GRAPH, INGRESS, JOB, ROUTE, SERVICE, Snapshot
from graph.errors import NotFound, find_nearest
from graph.spec.addresses import address_of
from graph.spec.model import ROOT, Step

INSTANCE = "app.kubernetes.io/instance"


@dataclass(frozen=True)
class Called:
    """A service that a graph calls, and the step that names it first."""

    service: str
    node: str
    step: str


@dataclass(frozen=True)
class Application:
    """graph: None for an InferenceService by itself.  missing: what the graph calls in vain."""

    name: str
    graph: Object | None
    services: tuple[Object, ...]
    missing: tuple[Called, ...] = ()
    jobs: tuple[Object, ...] = ()
    gateways: tuple[Object, ...] = ()
    routes: tuple[Object, ...] = ()
    ingresses: tuple[Object, ...] = ()


def find_applications(snapshot: Snapshot, names: Sequence[str] = ()) -> tuple[Application, ...]:
    """All, or those that are named: a graph, a service, or the label of their instance.

    names: as `chat`, or with the kind, `ig/chat`. Raises NotFound where there are none, and for a
    name that nothing has; SpecError for a kind that is neither.
    """
    graphs, services = snapshot.of(GRAPH), snapshot.of(SERVICE)
    if not names:
        called = {each.service for graph in graphs for each in called_by(graph)}
        alone = [each for each in services if _name(each) not in called]
        found = [*(_of_graph(graph, snapshot) for graph in graphs)]
        found += [_of_service(service, snapshot) for service in alone]
        if not found:
            raise NotFound(
                f'namespace "{snapshot.namespace}" has no InferenceService and no InferenceGraph;'
                " -n names another one"
            )
        return tuple(found)
    chosen = [application for name in names for application in _find(name, snapshot)]
    return tuple({(each.name, each.graph is None): each for each in chosen}.values())


def _find(given: str, snapshot: Snapshot) -> list[Application]:
    kinds, name = split_name(given)
    asked = {kind for _, kind in kinds}
    graphs = snapshot.of(GRAPH) if GRAPH.name in asked else ()
    services = snapshot.of(SERVICE) if SERVICE.name in asked else ()
    found = [_of_graph(graph, snapshot) for graph in graphs if _name(graph) == name]
    found = found or [_of_service(each, snapshot) for each in services if _name(each) == name]
    if found:
        return found
    labelled = [graph for graph in graphs if _instance(graph) == name]
    if labelled:
        return [_of_graph(graph, snapshot) for graph in labelled]
    alone = [_of_service(each, snapshot) for each in services if _instance(each) == name]
    if alone:
        return alone
    known = [*map(_name, graphs), *map(_name, services)]
    near = find_nearest(name, known)
    raise NotFound(
        f'namespace "{snapshot.namespace}" has no InferenceService, no InferenceGraph and no'
        f' instance "{name}"' + (f'; did you mean "{near}"?' if near else "")
    )


def called_by(graph: Object) -> Iterator[Called]:
    """The services of its own namespace that a graph calls, each once, in the order of calling."""
    seen = set()
    nodes = graph.get("spec", {}).get("nodes") or {}
    for node in _in_order(nodes):
        for index, step in enumerate(nodes[node].get("steps") or ()):
            service = _service_of(step, graph["metadata"].get("namespace", ""))
            if service and service not in seen:
                seen.add(service)
                yield Called(service, node, step.get("name") or f"steps[{index}]")


def _in_order(nodes: Mapping[str, Object]) -> list[str]:
    """Names of nodes from the root on, then those that nothing leads to.

    The API server gives them in the order of the alphabet.
    """
    ordered = [ROOT] if ROOT in nodes else []
    for name in ordered:
        targets = [step.get("nodeName", "") for step in nodes[name].get("steps") or ()]
        ordered += [t for t in dict.fromkeys(targets) if t in nodes and t not in ordered]
    return [*ordered, *(name for name in nodes if name not in ordered)]


def _service_of(step: Object, namespace: str) -> str:
    named = Step(service_name=step.get("serviceName", ""), service_url=step.get("serviceUrl", ""))
    address = address_of(named)
    if address is None or address.namespace not in ("", namespace):
        return ""
    return address.service


def _of_graph(graph: Object, snapshot: Snapshot) -> Application:
    there = {_name(service): service for service in snapshot.of(SERVICE)}
    called = list(called_by(graph))
    services = tuple(there[each.service] for each in called if each.service in there)
    missing = tuple(each for each in called if each.service not in there)
    return _complete(_name(graph), graph, services, missing, snapshot)


def _of_service(service: Object, snapshot: Snapshot) -> Application:
    return _complete(_name(service), None, (service,), (), snapshot)


def _complete(
    name: str,
    graph: Object | None,
    services: tuple[Object, ...],
    missing: tuple[Called, ...],
    snapshot: Snapshot,
) -> Application:
    claims = {claim for service in services for claim in _claims_of(service)}
    gateways = tuple(find_gateways(name, snapshot.of(DEPLOYMENT))) if graph else ()
    targets = {f"{_name(service)}-predictor" for service in services} | set(map(_name, gateways))
    targets |= {name} if graph else set()
    return Application(
        name,
        graph,
        services,
        missing,
        tuple(job for job in snapshot.of(JOB) if _fills(job, claims)),
        gateways,
        tuple(_leading_to(targets, snapshot.of(ROUTE))),
        tuple(_leading_to(targets, snapshot.of(INGRESS))),
    )


def _fills(job: Object, claims: set[str]) -> bool:
    return bool(claims & set(read_claims(job["spec"]["template"].get("spec", {}))))


def _leading_to(targets: set[str], routes: Iterable[Object]) -> Iterator[Object]:
    """Routes to these Services; a gateway's has its name.

    KServe's own, one for each of its services, are part of its readiness.
    """
    for route in routes:
        owners = route["metadata"].get("ownerReferences") or ()
        if backends_of(route) & targets and not any(
            owner["kind"] == "InferenceService" for owner in owners
        ):
            yield route


def _claims_of(service: Object) -> tuple[str, ...]:
    return read_claims(service.get("spec", {}).get("predictor", {}))


def _name(found: Object) -> str:
    return str(found["metadata"]["name"])


def _instance(found: Object) -> str:
    return str((found["metadata"].get("labels") or {}).get(INSTANCE, ""))

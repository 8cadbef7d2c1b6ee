"""Routes as parts: whether a gateway, or an Ingress controller, has taken them.

A graph may have both an HTTPRoute and an Ingress, of which a cluster serves one. So a route that
nobody has taken is idle where another one leads to the same Service and is taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from graph.cluster.parts.model import Part, State
from graph.cluster.reasons.model import Cause, Object, Reason, shorten


def backends_of(route: Object) -> frozenset[str]:
    """Names of the Services that an HTTPRoute or an Ingress leads to."""
    names = []
    for rule in route["spec"].get("rules") or ():
        names += [backend.get("name", "") for backend in rule.get("backendRefs") or ()]
        paths = (rule.get("http") or {}).get("paths") or ()
        names += [path.get("backend", {}).get("service", {}).get("name", "") for path in paths]
    default = route["spec"].get("defaultBackend", {}).get("service", {}).get("name", "")
    return frozenset(filter(None, (*names, default)))


def describe_routes(routes: Sequence[Object], ingresses: Sequence[Object]) -> tuple[Part, ...]:
    described = [(route, _describe_route(route)) for route in routes]
    described += [(ingress, _describe_ingress(ingress)) for ingress in ingresses]
    served: set[str] = set()
    for route, part in described:
        if part.ready:
            served |= backends_of(route)
    return tuple(_idle(route, part, served) for route, part in described)


def _idle(route: Object, part: Part, served: set[str]) -> Part:
    if part.ready or not backends_of(route) & served:
        return part
    return Part(part.kind, part.name, State.IDLE, "nobody takes it; another route serves")


def _describe_route(route: Object) -> Part:
    name, generation = route["metadata"]["name"], route["metadata"].get("generation", 0)
    parents = route.get("status", {}).get("parents") or ()
    wanted = [ref.get("name", "") for ref in route["spec"].get("parentRefs") or ()]
    conditions = [each for parent in parents for each in parent.get("conditions", ())]
    stale = any(each.get("observedGeneration", generation) < generation for each in conditions)
    problem = "" if stale else _find_refusal(conditions)
    if conditions and not stale and not problem:
        return Part("HTTPRoute", name, State.READY, f"accepted by {_list(wanted)}")
    what = f"gateway {_list(wanted)}"
    message = f"{what} refuses it: {problem}" if problem else f"{what} has not taken it"
    message += " since its last change" if stale else ""
    fix = "check that the gateway is there and takes routes of this namespace (`parley doctor`)"
    reason = Reason(Cause.NOT_ACCEPTED, message, fix)
    # A gateway takes a moment; what it refuses it has looked at.
    return Part("HTTPRoute", name, State.FAILING if problem else State.WAITING, message, reason)


def _find_refusal(conditions: Iterable[Object]) -> str:
    for condition in conditions:
        if condition["type"] in ("Accepted", "ResolvedRefs") and condition["status"] != "True":
            return shorten(condition.get("message") or condition.get("reason", ""))
    return ""


def _describe_ingress(ingress: Object) -> Part:
    name = ingress["metadata"]["name"]
    taken = (ingress.get("status", {}).get("loadBalancer") or {}).get("ingress") or ()
    if taken:
        address = taken[0].get("ip") or taken[0].get("hostname", "")
        return Part("Ingress", name, State.READY, f"at {address}")
    chosen = ingress["spec"].get("ingressClassName", "")
    message = f"no controller has taken it{f' (class {chosen})' if chosen else ''}"
    fix = "install an Ingress controller, or set ingressClassName to the class of one"
    return Part("Ingress", name, State.WAITING, message, Reason(Cause.NOT_ACCEPTED, message, fix))


def _list(names: Iterable[str]) -> str:
    return ", ".join(names) or "(none named)"

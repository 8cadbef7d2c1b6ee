"""Which pod may talk to which, by the NetworkPolicies and the labels of the pods.

The rules of networking.k8s.io/v1: a pod that no policy of a direction selects is open in it; else
one rule of one such policy must admit the other end and the port, and both directions must agree.
Only what the project's policies use is known; anything else is refused, never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Object = Mapping[str, Any]


@dataclass(frozen=True)
class Pod:
    """One end of a connection, as policies see it."""

    name: str
    namespace: str
    labels: Mapping[str, str]
    namespace_labels: Mapping[str, str]


def may_connect(
    source: Pod, target: Pod, port: int, protocol: str, policies: Sequence[Object]
) -> bool:
    """Whether `source` may open a connection to `target`."""
    return _admits("Egress", source, target, port, protocol, policies) and _admits(
        "Ingress", target, source, port, protocol, policies
    )


def selects(selector: Object, labels: Mapping[str, str]) -> bool:
    """A label selector; the empty one selects everything."""
    unknown = set(selector) - {"matchLabels", "matchExpressions"}
    if unknown:
        raise NotImplementedError(f"selector: {', '.join(sorted(unknown))}")
    wanted = selector.get("matchLabels", {})
    if any(labels.get(key) != value for key, value in wanted.items()):
        return False
    return all(_holds(expression, labels) for expression in selector.get("matchExpressions", ()))


def _admits(
    direction: str,
    pod: Pod,
    other: Pod,
    port: int,
    protocol: str,
    policies: Sequence[Object],
) -> bool:
    applying = [
        policy
        for policy in policies
        if policy["metadata"]["namespace"] == pod.namespace
        and direction in _directions(policy["spec"])
        and selects(policy["spec"].get("podSelector", {}), pod.labels)
    ]
    if not applying:
        return True
    rules = [rule for policy in applying for rule in policy["spec"].get(direction.lower(), ())]
    peers = "from" if direction == "Ingress" else "to"
    return any(
        _admits_peer(rule.get(peers, ()), other, pod.namespace)
        and _admits_port(rule.get("ports", ()), port, protocol)
        for rule in rules
    )


def _directions(spec: Object) -> Sequence[str]:
    if "policyTypes" in spec:
        return list(spec["policyTypes"])
    return ["Ingress", "Egress"] if "egress" in spec else ["Ingress"]


def _admits_peer(peers: Sequence[Object], other: Pod, own_namespace: str) -> bool:
    """No peers mean everybody. Both selectors in one peer must hold."""
    return not peers or any(_is_peer(peer, other, own_namespace) for peer in peers)


def _is_peer(peer: Object, other: Pod, own_namespace: str) -> bool:
    if "ipBlock" in peer:
        raise NotImplementedError("peer: ipBlock")
    if "namespaceSelector" in peer:
        if not selects(peer["namespaceSelector"], other.namespace_labels):
            return False
    elif other.namespace != own_namespace:
        return False
    return selects(peer.get("podSelector", {}), other.labels)


def _admits_port(ports: Sequence[Object], port: int, protocol: str) -> bool:
    for item in ports:
        if "endPort" in item or not isinstance(item.get("port", 0), int):
            raise NotImplementedError("port: ranges and names")
    return not ports or any(
        item.get("port", port) == port and item.get("protocol", "TCP") == protocol for item in ports
    )


def _holds(expression: Object, labels: Mapping[str, str]) -> bool:
    key, operator = expression["key"], expression["operator"]
    match operator:
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
        case "In":
            return labels.get(key) in expression["values"]
        case "NotIn":
            return labels.get(key) not in expression["values"]
    raise NotImplementedError(f"operator: {operator}")

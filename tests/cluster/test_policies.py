"""The evaluator of NetworkPolicies keeps to their rules; the isolation tests rest on it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cluster.policies import Pod, may_connect, selects

A = Pod("a", "one", {"app": "a"}, {"name": "one"})
B = Pod("b", "one", {"app": "b"}, {"name": "one"})
OUTSIDE = Pod("c", "two", {"app": "a"}, {"name": "two"})


def policy(namespace: str = "one", **spec: Any) -> dict[str, Any]:
    return {"metadata": {"namespace": namespace}, "spec": {"podSelector": {}, **spec}}


def test_without_policies_everybody_may_talk() -> None:
    assert may_connect(A, OUTSIDE, 80, "TCP", [])


def test_a_selected_pod_is_closed_but_for_the_rules() -> None:
    assert not may_connect(A, B, 80, "TCP", [policy(policyTypes=["Ingress"])])
    open_to_a = policy(ingress=[{"from": [{"podSelector": {"matchLabels": {"app": "a"}}}]}])
    assert may_connect(A, B, 80, "TCP", [policy(policyTypes=["Ingress"]), open_to_a])
    assert not may_connect(B, A, 80, "TCP", [open_to_a])


def test_a_pod_selector_alone_means_the_same_namespace() -> None:
    rules = [policy(ingress=[{"from": [{"podSelector": {"matchLabels": {"app": "a"}}}]}])]
    assert not may_connect(OUTSIDE, B, 80, "TCP", rules)


def test_both_selectors_of_a_peer_must_hold() -> None:
    peer = {
        "namespaceSelector": {"matchLabels": {"name": "two"}},
        "podSelector": {"matchLabels": {"app": "x"}},
    }
    assert not may_connect(OUTSIDE, B, 80, "TCP", [policy(ingress=[{"from": [peer]}])])
    peer["podSelector"] = {"matchLabels": {"app": "a"}}
    assert may_connect(OUTSIDE, B, 80, "TCP", [policy(ingress=[{"from": [peer]}])])


def test_both_directions_must_agree() -> None:
    closed = policy(policyTypes=["Egress"], podSelector={"matchLabels": {"app": "a"}})
    assert not may_connect(A, B, 80, "TCP", [closed])
    assert may_connect(B, A, 80, "TCP", [closed])


def test_a_port_and_its_protocol_count() -> None:
    dns = [policy(policyTypes=["Egress"], egress=[{"ports": [{"port": 53, "protocol": "UDP"}]}])]
    assert may_connect(A, OUTSIDE, 53, "UDP", dns)
    assert not may_connect(A, OUTSIDE, 53, "TCP", dns)
    assert not may_connect(A, OUTSIDE, 80, "UDP", dns)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ({"key": "app", "operator": "Exists"}, True),
        ({"key": "no", "operator": "Exists"}, False),
        ({"key": "no", "operator": "DoesNotExist"}, True),
        ({"key": "app", "operator": "In", "values": ["a", "b"]}, True),
        ({"key": "app", "operator": "NotIn", "values": ["a"]}, False),
        ({"key": "no", "operator": "NotIn", "values": ["a"]}, True),
    ],
)
def test_expressions_of_a_selector(expression: dict[str, Any], expected: bool) -> None:
    assert selects({"matchExpressions": [expression]}, {"app": "a"}) is expected


def test_what_is_not_known_is_refused() -> None:
    with pytest.raises(NotImplementedError, match="ipBlock"):
        rule = {"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}
        may_connect(A, B, 80, "TCP", [policy(ingress=[rule])])

"""How clients reach a release: by a route, an Ingress, or neither."""

from __future__ import annotations

from typing import Any

import pytest

from tests.deploy.chart import Chart, Refused, find, kinds
from tests.deploy.rendered import Objects

GRAPH, GATEWAY = "parley-multilingual-chat", "parley-chat-gateway"


def both(objects: Objects, kind: str) -> list[dict[str, Any]]:
    """The door of the graph, and that of the gateway before it."""
    return [find(objects, kind, name) for name in (GRAPH, GATEWAY)]


def test_by_default_there_is_a_route_and_no_ingress(chart: Chart) -> None:
    assert "HTTPRoute" in kinds(chart.render())
    assert "Ingress" not in kinds(chart.render())


def test_neither_door_is_a_choice(chart: Chart) -> None:
    objects = chart.render(values={"httpRoute": {"enabled": False}})
    assert not kinds(objects) & {"HTTPRoute", "Ingress"}


def test_time_outs_of_the_route_can_be_left_out(chart: Chart) -> None:
    objects = chart.render(values={"httpRoute": {"timeouts": False}})
    for route in both(objects, "HTTPRoute"):
        (rule,) = route["spec"]["rules"]
        assert "timeouts" not in rule


def test_another_gateway_takes_the_place_of_kserves(chart: Chart) -> None:
    mine = {"name": "mine", "namespace": "gateways", "sectionName": "https"}
    values = {"httpRoute": {"parentRefs": {"kserve": None, "mine": mine}}}
    for route in both(chart.render(values=values), "HTTPRoute"):
        assert route["spec"]["parentRefs"] == [mine]


def test_a_route_without_a_gateway_is_refused(chart: Chart) -> None:
    with pytest.raises(Refused, match="httpRoute.parentRefs: name a Gateway"):
        chart.render(values={"httpRoute": {"parentRefs": {"kserve": None}}})


def test_an_ingress_waits_as_long_as_a_turn_and_keeps_other_annotations(chart: Chart) -> None:
    ingress = {"enabled": True, "className": "nginx", "annotations": {"a": "b"}}
    graph, gateway = both(chart.render(values={"ingress": ingress}), "Ingress")
    annotations = {
        "a": "b",
        "nginx.ingress.kubernetes.io/proxy-body-size": "8m",
        "nginx.ingress.kubernetes.io/proxy-read-timeout": "240",
    }
    assert graph["metadata"]["annotations"] == annotations
    unbuffered = {"nginx.ingress.kubernetes.io/proxy-buffering": "off"}
    assert gateway["metadata"]["annotations"] == annotations | unbuffered
    assert {door["spec"]["ingressClassName"] for door in (graph, gateway)} == {"nginx"}


def test_the_basic_chat_has_its_ingress_too(chart: Chart) -> None:
    values = {"ingress": {"enabled": True}, "basicChat": {"enabled": True}}
    objects = chart.render(values=values)
    (rule,) = find(objects, "Ingress", "parley-basic-chat")["spec"]["rules"]
    (path,) = rule["http"]["paths"]
    assert (path["path"], path["pathType"]) == ("/v1/models/parley-chat:predict", "Exact")

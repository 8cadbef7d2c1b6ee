"""How clients reach a release: by a route, an Ingress, or neither."""

from __future__ import annotations

import pytest

from tests.deploy.chart import Chart, Refused, find, kinds
from tests.deploy.rendered import only


def test_by_default_there_is_a_route_and_no_ingress(chart: Chart) -> None:
    assert "HTTPRoute" in kinds(chart.render())
    assert "Ingress" not in kinds(chart.render())


def test_neither_door_is_a_choice(chart: Chart) -> None:
    objects = chart.render(values={"httpRoute": {"enabled": False}})
    assert not kinds(objects) & {"HTTPRoute", "Ingress"}


def test_time_outs_of_the_route_can_be_left_out(chart: Chart) -> None:
    objects = chart.render(values={"httpRoute": {"timeouts": False}})
    (rule,) = only(objects, "HTTPRoute")["spec"]["rules"]
    assert "timeouts" not in rule


def test_another_gateway_takes_the_place_of_kserves(chart: Chart) -> None:
    mine = {"name": "mine", "namespace": "gateways", "sectionName": "https"}
    values = {"httpRoute": {"parentRefs": {"kserve": None, "mine": mine}}}
    assert only(chart.render(values=values), "HTTPRoute")["spec"]["parentRefs"] == [mine]


def test_a_route_without_a_gateway_is_refused(chart: Chart) -> None:
    with pytest.raises(Refused, match="httpRoute.parentRefs: name a Gateway"):
        chart.render(values={"httpRoute": {"parentRefs": {"kserve": None}}})


def test_an_ingress_waits_as_long_as_a_turn_and_keeps_other_annotations(chart: Chart) -> None:
    ingress = {"enabled": True, "className": "nginx", "annotations": {"a": "b"}}
    found = only(chart.render(values={"ingress": ingress}), "Ingress")
    assert found["spec"]["ingressClassName"] == "nginx"
    assert found["metadata"]["annotations"] == {
        "a": "b",
        "nginx.ingress.kubernetes.io/proxy-body-size": "8m",
        "nginx.ingress.kubernetes.io/proxy-read-timeout": "240",
    }


def test_the_basic_chat_has_its_ingress_too(chart: Chart) -> None:
    values = {"ingress": {"enabled": True}, "basicChat": {"enabled": True}}
    objects = chart.render(values=values)
    (rule,) = find(objects, "Ingress", "parley-basic-chat")["spec"]["rules"]
    (path,) = rule["http"]["paths"]
    assert (path["path"], path["pathType"]) == ("/v1/models/parley-chat:predict", "Exact")

"""The chat: its model, another server, a canary, alone."""

from __future__ import annotations

import pytest

from tests.deploy.chart import (
    Chart,
    Refused,
    by_name,
    called,
    container,
    environ,
    find,
    graph,
    kinds,
    policy,
)

OPENAI = {"url": "http://llm.models.svc:8000/v1", "model": "llama"}


def test_another_server_answers_and_needs_no_gpu_and_no_weights(chart: Chart) -> None:
    openai = OPENAI | {"apiKeySecret": {"name": "key"}}
    objects = chart.render(values={"chat": {"model": "", "openai": openai}})
    chat = container(objects, "parley-chat")
    assert "--model=openai:llama@http://llm.models.svc:8000/v1" in chat["args"]
    assert set(chat["resources"]["limits"]) == {"cpu", "memory"}
    assert environ(chat)["OPENAI_API_KEY"] == {"secretKeyRef": {"name": "key", "key": "api-key"}}
    assert policy(objects, "chat-openai")["egress"] == [
        {"ports": [{"port": 8000, "protocol": "TCP"}]}
    ]


@pytest.mark.parametrize(
    ("url", "port"), [("https://api.example.com/v1", 443), ("http://llm/v1", 80)]
)
def test_the_way_to_it_is_open_by_the_port_of_its_url(url: str, port: int, chart: Chart) -> None:
    openai = {"url": url, "model": "m", "peer": {"podSelector": {}}}
    objects = chart.render(values={"chat": {"model": "", "openai": openai}})
    assert policy(objects, "chat-openai")["egress"] == [
        {"ports": [{"port": port, "protocol": "TCP"}], "to": [{"podSelector": {}}]}
    ]


def test_a_model_and_another_server_exclude_each_other(chart: Chart) -> None:
    with pytest.raises(Refused, match="/chat.*oneOf"):
        chart.render(values={"chat": {"openai": OPENAI}})


def test_a_canary_is_a_second_chat_behind_a_splitter(chart: Chart) -> None:
    canary = {"weight": 10, "overrides": {"options": {"temperature": 0.7}}}
    objects = chart.render(values={"chat": {"canary": canary}})
    splitter = graph(objects)["chat"]
    assert splitter["routerType"] == "Splitter"
    assert {step["serviceName"]: step["weight"] for step in splitter["steps"]} == {
        "parley-chat": 90,
        "parley-chat-canary": 10,
    }
    assert called(graph(objects)["fr"])[1] == "chat"
    assert "--temperature=0.7" in container(objects, "parley-chat-canary")["args"]
    assert "--temperature=0.7" not in container(objects, "parley-chat")["args"]


def test_the_basic_chat_is_a_route_to_one_path_of_the_chat(chart: Chart) -> None:
    objects = chart.render(values={"basicChat": {"enabled": True}})
    (rule,) = find(objects, "HTTPRoute", "parley-basic-chat")["spec"]["rules"]
    assert rule["matches"] == [
        {
            "path": {"type": "Exact", "value": "/v1/models/parley-chat:predict"},
            "method": "POST",
        }
    ]
    (backend,) = rule["backendRefs"]
    assert backend["name"] == "parley-chat-predictor"


def test_the_basic_chat_alone_is_one_predictor(chart: Chart) -> None:
    values = {"basicChat": {"enabled": True}, "multilingualChat": {"enabled": False}}
    objects = chart.render(values=values)
    found = [name for kind, name in by_name(objects) if kind == "InferenceService"]
    assert found == ["parley-chat"]
    assert "InferenceGraph" not in kinds(objects)


def test_both_applications_share_no_predictor(chart: Chart) -> None:
    objects = chart.render(values={"translation": {"enabled": True}})
    names = {name for kind, name in by_name(objects) if kind == "InferenceService"}
    assert {"parley-detector", "parley-translation-detector"} < names


def test_nothing_to_install_is_refused(chart: Chart) -> None:
    with pytest.raises(Refused, match="nothing to install: set one of"):
        chart.render(values={"multilingualChat": {"enabled": False}})

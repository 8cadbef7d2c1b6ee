"""A graph as the API server gives it, and a gateway that goes its new ways when it changes."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
import yaml

from graph.cluster.snapshot import GRAPH, SERVICE, Snapshot
from graph.errors import SpecError
from graph.gateway.app import CHAT, READY
from graph.gateway.branches import find_chats
from graph.gateway.histories import Histories
from graph.gateway.serve import GatewaySettings
from graph.gateway.served import Served, open_connections
from graph.gateway.watched import find_served
from graph.gateway.watched_app import LIVE, WatchedApp
from graph.local.app import app_of
from graph.local.build import DEFAULT_FILE
from graph.spec.model import Timeouts
from tests.graph.gateway.playing import Gate, Writes, local_graph
from tests.waiting import until

NAME = "multilingual-chat"
SHIPPED = [item for item in yaml.safe_load_all(DEFAULT_FILE.read_text()) if item]
FRENCH = "Bonjour, comment allez-vous aujourd'hui ?"
# What the API server and KServe write into an object.
SERVER = {"uid": "7", "resourceVersion": "9", "generation": 2, "managedFields": [{"manager": "x"}]}


def snapshot(change: Callable[[dict[str, Any]], object] = lambda item: None) -> Snapshot:
    """The shipped objects in a namespace. change: made to each of them."""
    found = copy.deepcopy(SHIPPED)
    for item in found:
        item["metadata"] |= SERVER | {"namespace": "parley"}
        if item["kind"] == "InferenceService":
            address = f"http://{item['metadata']['name']}.parley.example.com"
            item["status"] = {"address": {"url": address}, "conditions": []}
        change(item)
    kinds = {
        kind: tuple(item for item in found if item["kind"] == kind.name)
        for kind in (GRAPH, SERVICE)
    }
    return Snapshot("parley", kinds, datetime.now(UTC))


def serving(view: Snapshot) -> Served:
    served = find_served(view, NAME)
    assert served is not None
    return served


def of(kind: str, name: str, **fields: Any) -> Callable[[dict[str, Any]], object]:
    """A change of one object's fields."""

    def change(item: dict[str, Any]) -> None:
        if (item["kind"], item["metadata"]["name"]) == (kind, name):
            item |= fields

    return change


def test_the_graph_its_services_and_where_they_answer_are_found() -> None:
    served = serving(snapshot())
    assert (served.graph.name, served.graph.namespace) == (NAME, "parley")
    assert {service.name for service in served.services} == set(served.graph.service_names())
    assert served.urls["chat"] == "http://chat.parley.example.com/v1/models/chat:predict"
    assert len(find_chats(served.graph, served.services)) == 3


def test_a_status_alone_changes_nothing_but_the_address() -> None:
    before = serving(snapshot())
    after = serving(
        snapshot(of("InferenceService", "chat", status={"address": {"url": "http://c"}}))
    )
    assert replace(after, urls=before.urls) == before
    assert after.urls["chat"] == "http://c/v1/models/chat:predict"


@pytest.mark.parametrize("status", [{}, {"address": None}, {"address": {}}])
def test_a_service_without_an_address_has_the_one_that_it_will_have(status: Any) -> None:
    served = serving(snapshot(of("InferenceService", "chat", status=status)))
    expected = "http://chat-predictor.parley.svc.cluster.local/v1/models/chat:predict"
    assert served.urls["chat"] == expected


def test_a_service_that_is_not_there_is_called_where_it_will_be() -> None:
    view = snapshot()
    served = serving(replace(view, objects={**view.objects, SERVICE: ()}))
    assert served.services == ()
    assert served.urls["chat"].startswith("http://chat-predictor.parley.svc.cluster.local/")
    assert find_chats(served.graph, served.services) == {}


@pytest.mark.parametrize("words", [["--model_name=other"], ["--x", "--model_name", "other"]])
def test_a_model_of_another_name_is_called_by_that(words: list[str]) -> None:
    container = {"name": "kserve-container", "image": "x", "args": words}
    spec = {"predictor": {"containers": [container]}}
    served = serving(snapshot(of("InferenceService", "chat", spec=spec)))
    assert served.urls["chat"] == "http://chat.parley.example.com/v1/models/other:predict"


def test_a_service_that_cannot_be_read_is_known_by_its_address(
    caplog: pytest.LogCaptureFixture,
) -> None:
    spec = {"predictor": {"containers": [{"image": "x", "newField": 1}]}}
    served = serving(snapshot(of("InferenceService", "chat", spec=spec)))
    assert "chat" not in [service.name for service in served.services]
    assert served.urls["chat"] == "http://chat.parley.example.com/v1/models/chat:predict"
    [line] = caplog.messages
    assert "InferenceService/chat" in line and "newField" in line


def test_a_graph_that_is_not_there_or_cannot_be_read_is_told() -> None:
    assert find_served(snapshot(), "another") is None
    with pytest.raises(SpecError, match=f"InferenceGraph/{NAME}.*newField"):
        find_served(snapshot(of("InferenceGraph", NAME, spec={"newField": 1})), NAME)


@asynccontextmanager
async def followed() -> AsyncIterator[tuple[WatchedApp, asyncio.Queue[Served | None], list[str]]]:
    """An application, what changes its graph, and the lines that it says."""
    changes: asyncio.Queue[Served | None] = asyncio.Queue()
    said: list[str] = []
    app = WatchedApp(NAME, GatewaySettings(), said.append)
    async with open_connections(Histories()) as connections:
        following = asyncio.create_task(app.follow(changes, connections))
        yield app, changes, said
        following.cancel()


async def ask(app: WatchedApp, path: str) -> httpx2.Response:
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://gateway") as client:
        if path in (READY, LIVE):
            return await client.get(path)
        messages = [{"role": "user", "content": FRENCH}]
        return await client.post(path, json={"model": NAME, "messages": messages})


async def answer(app: WatchedApp) -> str:
    asked = await ask(app, CHAT)
    return str(asked.json()["choices"][0]["message"]["content"])


async def test_turns_go_the_ways_of_the_graph_as_it_is_now(
    serve_app: Callable[[Any], str],
) -> None:
    local = Gate(local_graph(Writes(lambda text: "One is here."))).local
    other = Gate(local_graph(Writes(lambda text: "Another one."))).local
    graph, services = local.graph, tuple(local.services)
    first, second = (
        {name: f"{url}/v1/models/{name}:predict" for name in local.handlers}
        for url in (serve_app(app_of(local)), serve_app(app_of(other)))
    )
    async with followed() as (app, changes, said):
        refused = await ask(app, CHAT)
        assert refused.json()["error"]["message"] == f"there is no InferenceGraph/{NAME} yet"
        assert (refused.status_code, (await ask(app, READY)).status_code) == (503, 503)
        # A pod that waits for its graph is not started again.
        assert (await ask(app, LIVE)).status_code == 200
        changes.put_nowait(Served(graph, services, first))
        await until(lambda: len(said) == 1)
        assert await answer(app) == "fr:One is here."
        assert (await ask(app, READY)).status_code == 200
        changed = replace(graph, timeouts=Timeouts(service_client=30))
        changes.put_nowait(Served(changed, services, second))
        await until(lambda: len(said) == 2)
        assert await answer(app) == "fr:Another one."
        changes.put_nowait(None)
        await until(lambda: len(said) == 3)
        assert (await ask(app, READY)).status_code == 503
        assert await answer(app) == "fr:Another one."

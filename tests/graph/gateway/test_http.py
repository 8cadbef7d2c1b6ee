"""A gateway that calls predictors over HTTP, as it does on a cluster."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from graph.asgi import Receive, Scope, Send
from graph.completions.answers import Ending, Usage
from graph.completions.messages import ChatMessage
from graph.completions.request import AnswerOptions, ChatRequest
from graph.completions.stream import Out
from graph.errors import NotReached, Overloaded, ParleyError
from graph.gateway.chat import http_chat
from graph.gateway.gateway import Gateway
from graph.gateway.histories import Histories
from graph.http.events import event, last_event
from graph.local.app import app_of, with_gateway
from graph.router.transport import http_call
from graph.spec.model import Step
from tests.graph.gateway.playing import Gate, Writes, local_graph
from tests.waiting import until

Serve = Callable[[Any], str]
FRENCH = "Bonjour, comment allez-vous aujourd'hui ?"
REQUEST = ChatRequest("chat", (ChatMessage("user", "Hi"),), AnswerOptions(), True, True, {})
CHAT = Step(service_name="chat")


def urls(url: str, gate: Gate) -> dict[str, str]:
    return {name: f"{url}/v1/models/{name}:predict" for name in gate.local.handlers}


async def heard(url: str) -> tuple[list[str], Ending]:
    parts: list[str] = []

    async def put(part: str) -> None:
        parts.append(part)

    async with http_chat({"chat": f"{url}/v1/models/chat:predict"}) as ask:
        return parts, await ask(CHAT, REQUEST, put)


def answering(*events: bytes, status: int = 200, **headers: str) -> Any:
    """A server that answers everything so."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        named = [(name.replace("_", "-").encode(), v.encode()) for name, v in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": named})
        for each in events:
            await send({"type": "http.response.body", "body": each, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    return app


def chunk(text: str | None, finish: str | None = None, **more: Any) -> bytes:
    delta = {} if text is None else {"content": text}
    return event({"choices": [{"delta": delta, "finish_reason": finish, **more}]})


async def test_over_http_a_turn_is_what_it_is_in_one_process(serve_app: Serve) -> None:
    gate = Gate(local_graph(Writes(lambda text: "One is here. Two is there.")))
    expected = await gate.say(FRENCH)
    at = urls(serve_app(app_of(gate.local)), gate)
    async with http_call(at) as call, http_chat(at) as ask_chat:
        parts: list[str] = []

        async def put(part: str) -> None:
            parts.append(part)

        gateway = Gateway.of(gate.local.graph, gate.local.services, call, ask_chat, Histories())
        messages = (ChatMessage("user", FRENCH),)
        request = ChatRequest("x", messages, AnswerOptions(), True, True, {})
        ending = await gateway.answer(request, "turn-1", "", Out(put))
    assert parts == expected[0]
    assert (ending.finish, ending.usage) == (expected[1].finish, expected[1].usage)
    assert set(ending.parley) == set(expected[1].parley)


async def test_who_leaves_a_gateway_leaves_the_predictors_too(serve_app: Serve) -> None:
    engine = Writes(lambda text: "One is here. Two is there.")
    engine.waits_before = 5
    gate = Gate(local_graph(engine))
    at = urls(serve_app(app_of(gate.local)), gate)
    async with http_chat(at) as ask:
        parts: list[str] = []

        async def put(part: str) -> None:
            parts.append(part)

        asking = asyncio.ensure_future(ask(CHAT, REQUEST, put))
        await until(lambda: bool(parts))
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await asyncio.to_thread(_wait_for, engine)


def _wait_for(engine: Writes) -> None:
    while not engine.left.is_set():
        pass


async def test_a_streams_parts_and_its_end_are_heard_however_they_are_cut(serve_app: Serve) -> None:
    usage = event({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}})
    last = chunk(None, "length", parley={"steps": []})
    stream = b"".join([chunk("Bon"), chunk("jour 😀"), last, usage, last_event()])
    cut = [stream[i : i + 7] for i in range(0, len(stream), 7)]
    parts, ending = await heard(serve_app(answering(*cut)))
    assert parts == ["Bon", "jour 😀"]
    assert (ending.finish, ending.parley) == ("length", {"steps": []})
    assert ending.usage == Usage(3, 2)


LATE = event({"error": {"message": "late", "code": "timeout"}})
FULL = json.dumps({"error": {"message": "full"}}).encode()


@pytest.mark.parametrize(
    ("server", "kind", "status", "words"),
    [
        (answering(chunk("Hi")), ParleyError, 502, "broke off"),
        (answering(chunk("Hi"), last_event()), ParleyError, 502, "no chat completion"),
        (answering(b"data: <html>\n\n"), ParleyError, 502, "no chat completion"),
        (answering(LATE), ParleyError, 504, "late"),
        (answering(event({"error": {"message": "it broke"}})), ParleyError, 500, "it broke"),
        (answering(b"<html>", status=500), ParleyError, 500, "answered 500"),
        (answering(FULL, status=503, retry_after="7"), Overloaded, 503, "full"),
    ],
)
async def test_what_is_no_answer_is_an_error_with_its_status(
    serve_app: Serve, server: Any, kind: type[ParleyError], status: int, words: str
) -> None:
    with pytest.raises(kind, match=words) as caught:
        await heard(serve_app(server))
    assert caught.value.status == status
    if isinstance(caught.value, Overloaded):
        assert caught.value.retry_after == 7


async def test_a_chat_that_is_not_there_was_not_reached() -> None:
    with pytest.raises(NotReached, match="chat: cannot be reached"):
        await heard("http://127.0.0.1:1")


async def test_a_url_that_is_no_predictors_is_told() -> None:
    async with http_chat({"chat": "http://elsewhere/graph"}) as ask:
        with pytest.raises(ParleyError, match="no URL of a predictor"):
            await ask(CHAT, REQUEST, asyncio.Queue[str]().put)


def test_one_server_has_the_graph_the_predictors_and_openais_paths(serve_app: Serve) -> None:
    gate = Gate(local_graph(Writes(lambda text: "One is here.")))
    url = serve_app(with_gateway(app_of(gate.local), gate.local))
    models = httpx2.get(f"{url}/v1/models").json()
    assert models["data"][0]["id"] == "multilingual-chat"
    assert httpx2.get(f"{url}/v1/models/multilingual-chat:fr").json()["object"] == "model"
    assert httpx2.get(f"{url}/v1/models/chat").json() == {"name": "chat", "ready": True}
    assert httpx2.get(f"{url}/openai/v1/models").json()["data"][0]["id"] == "chat"
    turn = {"instances": [{"user_input": FRENCH}]}
    assert httpx2.post(url, json=turn).json()["predictions"][0]["response"] == "fr:One is here."
    asked = {"model": "multilingual-chat", "messages": [{"role": "user", "content": FRENCH}]}
    answer = httpx2.post(f"{url}/v1/chat/completions", json=asked).json()
    assert answer["choices"][0]["message"]["content"] == "fr:One is here."

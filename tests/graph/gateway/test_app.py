"""The gateway over HTTP: OpenAI's paths and errors, keys, names of turns, limits."""

from __future__ import annotations

import asyncio
import itertools
import json
from functools import cache
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.errors import SpecError
from graph.gateway.app import GatewayApp, GatewayLimits
from graph.gateway.keys import ApiKeys
from graph.http.events import EventReader
from tests.graph.gateway.playing import Gate, Writes, local_graph
from tests.leaving import leave_after
from tests.waiting import until

MODEL = "multilingual-chat"
FRENCH = "Bonjour, comment allez-vous aujourd'hui ?"
ASKED: dict[str, Any] = {"model": MODEL, "messages": [{"role": "user", "content": FRENCH}]}
FIXED = {"model": f"{MODEL}:fr"}
KEY = "a-key-of-sixteen-characters"


def gateway(engine: Writes | None = None, **options: Any) -> GatewayApp:
    gate = Gate(local_graph(engine or Writes(lambda text: "One is here. Two is there.")))
    return GatewayApp(gate.gateway, **options)


async def ask(
    app: GatewayApp, body: Any = None, path: str = "/v1/chat/completions", **headers: str
) -> httpx2.Response:
    """headers: names with underscores. Without a body it is a GET."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://gateway") as client:
        if body is None:
            return await client.get(path, headers=named)
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await client.post(path, content=content, headers=named)


def error_of(answer: httpx2.Response) -> dict[str, Any]:
    error: dict[str, Any] = answer.json()["error"]
    assert set(error) <= {"message", "type", "param", "code", "request_id"}
    return error


async def test_a_whole_answer_has_the_turn_beside_its_choice() -> None:
    answer = await ask(gateway(), ASKED, x_request_id="turn-7")
    body = answer.json()
    assert answer.headers["x-request-id"] == "turn-7"
    assert (body["id"], body["object"], body["model"]) == (
        *("chatcmpl-turn-7", "chat.completion", MODEL),
    )
    [choice] = body["choices"]
    assert choice["message"]["content"] == "fr:One is here. fr:Two is there."
    assert choice["parley"]["response_en"] == "One is here. Two is there."
    assert choice["parley"]["request_id"] == "turn-7"
    assert body["usage"]["completion_tokens"] == 6


async def test_the_first_chunk_of_a_stream_tells_what_was_heard() -> None:
    """A page need not wait for the end to say in which language it was spoken to."""
    answer = await ask(gateway(), ASKED | {"stream": True}, x_request_id="turn-8")
    *events, _ = EventReader().feed(answer.content)
    first, *middle, last = (json.loads(data)["choices"][0] for data in events)
    heard = first["parley"]
    assert (heard["request_id"], heard["language"], heard["route"]) == ("turn-8", "fr", "fr")
    assert heard["user_input_en"].startswith("en:") and "response_en" not in heard
    assert heard.items() <= last["parley"].items()
    assert not any("parley" in choice for choice in middle)


async def test_a_stream_has_the_turn_in_its_last_chunk() -> None:
    wanted = {"stream": True, "stream_options": {"include_usage": True}}
    answer = await ask(gateway(), ASKED | wanted)
    *events, done = EventReader().feed(answer.content)
    first, *middle, last, usage = map(json.loads, events)
    assert done == "[DONE]"
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    words = [chunk["choices"][0]["delta"]["content"] for chunk in middle]
    assert words == ["fr:One is here.", " fr:Two is there."]
    assert last["choices"][0]["finish_reason"] == "stop"
    assert last["choices"][0]["parley"]["language"] == "fr"
    assert usage["usage"]["completion_tokens"] == 6
    assert answer.headers["content-type"].startswith("text/event-stream")


def strictly(stream: bytes) -> list[str]:
    """The data of each event of a stream that is nothing but such events, each in one line."""
    events = stream.decode().split("\n\n")
    assert events.pop() == ""
    assert all(each.startswith("data: ") and len(each.splitlines()) == 1 for each in events)
    return [each.removeprefix("data: ") for each in events]


@cache
def streamed() -> bytes:
    app = gateway(
        Writes(lambda text: "One 😀 is 👨\u200d👩\u200d👧 here. Two\u2028is\r\nthere, 中文。")
    )
    return asyncio.run(ask(app, ASKED | {"stream": True})).content


@given(sizes=st.lists(st.integers(1, 9), min_size=1))
def test_the_bytes_of_a_stream_are_strict_events_however_they_are_cut(sizes: list[int]) -> None:
    """Also within a character."""
    stream = streamed()
    reader, found, start = EventReader(), list[str](), 0
    for size in itertools.cycle(sizes):
        if start >= len(stream):
            break
        found += reader.feed(stream[start : start + size])
        start += size
    assert found == strictly(stream)
    choices = [json.loads(data)["choices"][0] for data in found[:-1]]
    words = [choice["delta"].get("content", "") for choice in choices]
    assert (
        "".join(words)
        == "fr:One 😀 is 👨\u200d👩\u200d👧 here. fr:Two\u2028fr:is\r\nfr:there, 中文。"
    )


async def test_the_graph_is_a_model_and_so_is_each_of_its_languages() -> None:
    app = gateway()
    listed = (await ask(app, path="/v1/models")).json()
    assert [model["id"] for model in listed["data"]] == [MODEL, f"{MODEL}:en", f"{MODEL}:fr"]
    assert (await ask(app, path=f"/v1/models/{MODEL}:fr")).json()["owned_by"] == "parley"
    short = {"model": f"{MODEL}:fr", "messages": [{"role": "user", "content": "OK"}]}
    choice = (await ask(app, short)).json()["choices"][0]
    assert (choice["parley"]["language"], choice["parley"]["user_input_en"]) == ("fr", "en:OK")


@pytest.mark.parametrize(
    ("body", "status", "param", "code"),
    [
        (ASKED | FIXED | {"parley": {"language": "en"}}, 400, "parley.language", None),
        (ASKED | {"model": "gpt-4"}, 404, None, "model_not_found"),
        (ASKED | {"model": f"{MODEL}:de"}, 404, None, "model_not_found"),
        (ASKED | {"tools": [1]}, 400, "tools", None),
        (ASKED | {"parley": {"deadline": 1}}, 400, "parley.deadline", None),
        (b"{", 400, "body", None),
        (b'{"model": 1, "model": 2}', 400, "body", None),
        (b"x" * (8 << 20) + b"x", 413, "body", "too_large"),
    ],
)
async def test_a_wrong_request_is_an_error_of_openais_kind(
    body: Any, status: int, param: str | None, code: str | None
) -> None:
    answer = await ask(gateway(), body)
    error = error_of(answer)
    assert (answer.status_code, error["type"]) == (status, "invalid_request_error")
    assert (error["param"], error["code"]) == (param, code)
    assert error["request_id"] == answer.headers["x-request-id"]


async def test_other_paths_and_methods_are_not_there() -> None:
    for path in ("/v1/completions", "/v1/embeddings", "/nothing", "/v1/models/gpt-4"):
        answer = await ask(gateway(), path=path)
        assert answer.status_code == 404 and error_of(answer)["message"]
    assert (await ask(gateway(), path="/v1/chat/completions")).status_code == 404
    assert (await ask(gateway(), path="/readyz")).status_code == 200
    assert (await ask(gateway(ready=lambda: False), path="/readyz")).status_code == 503


async def test_without_a_key_that_is_known_nobody_asks() -> None:
    app = gateway(keys=ApiKeys((KEY.encode(), b"another-key-of-sixteen")))
    for headers in ({}, {"authorization": "Bearer x"}, {"authorization": KEY}):
        answer = await ask(app, ASKED, **headers)
        assert (answer.status_code, error_of(answer)["code"]) == (401, "invalid_api_key")
        assert (await ask(app, path="/v1/models", **headers)).status_code == 401
    assert (await ask(app, ASKED, authorization=f"Bearer {KEY}")).status_code == 200
    assert (await ask(app, path="/readyz")).status_code == 200


def test_keys_are_read_from_a_file_a_line_each(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"{KEY}\n\nanother-key-of-sixteen\n")
    assert ApiKeys.of_file(file).keys == (KEY.encode(), b"another-key-of-sixteen")
    for text, problem in (("", "holds no key"), ("short\n", "at least 16 characters")):
        file.write_text(text)
        with pytest.raises(SpecError, match=problem):
            ApiKeys.of_file(file)
    with pytest.raises(SpecError, match="cannot be read"):
        ApiKeys.of_file(tmp_path / "none")


async def test_a_name_of_a_turn_that_no_log_could_hold_is_refused() -> None:
    answer = await ask(gateway(), ASKED, x_request_id="a b")
    assert (answer.status_code, error_of(answer)["param"]) == (400, "x-request-id")


async def test_one_turn_over_the_limit_is_refused() -> None:
    engine = Writes(str.upper)
    engine.waits_before = 0
    app = gateway(engine, limits=GatewayLimits(inflight=1))
    first = asyncio.create_task(ask(app, ASKED))
    await until(lambda: bool(engine.prompts))
    refused = await ask(app, ASKED)
    assert (refused.status_code, error_of(refused)["code"]) == (503, "overloaded")
    assert refused.headers["retry-after"] == "1"
    engine.go.set()
    assert (await first).status_code == 200
    assert (await ask(app, ASKED)).status_code == 200


async def test_an_answer_that_takes_too_long_ends_as_an_error_also_in_its_middle() -> None:
    engine = Writes(lambda text: "One is here. Two is there.")
    engine.waits_before = 5
    app = gateway(engine, limits=GatewayLimits(seconds=0.5))
    answer = await ask(app, ASKED | {"stream": True})
    *_, words, last = EventReader().feed(answer.content)
    assert "fr:One is here." in words
    assert json.loads(last)["error"]["code"] == "timeout"
    assert engine.left.is_set()
    engine.waits_before = 0
    assert (await ask(app, ASKED)).status_code == 504


async def test_a_client_that_leaves_ends_everything_that_was_for_it() -> None:
    engine = Writes(lambda text: "One is here. " * 9)
    engine.waits_before = 9
    await leave_after(gateway(engine), "/v1/chat/completions", ASKED | {"stream": True}, b"fr:One")
    assert engine.left.is_set()
    assert asyncio.all_tasks() == {asyncio.current_task()}

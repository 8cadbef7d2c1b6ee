"""Texts in parts: from the embedded chat model, and from another server."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest

from graph.errors import EngineError, Overloaded
from predictors.door.health import Probing, WatchedEngine
from predictors.engine import Message, Prompt, Sampling, text_in_parts
from predictors.engines.llamacpp import LlamaCpp
from predictors.engines.openai import OpenAI
from predictors.models.resolve import resolve
from tests.fakes import FakeEngine

CATS = (Message("user", "Tell me about cats, with an emoji."),)


async def gathered(parts: AsyncIterator[str]) -> list[str]:
    return [part async for part in parts]


@pytest.mark.models
async def test_llama_cpp_streams_the_text_that_it_generates_token_by_token() -> None:
    engine = LlamaCpp(resolve("embedded:smollm2-135m-instruct").path, "smollm2", threads=1)
    engine.load()
    prompts: tuple[Prompt, ...] = (CATS, "Once upon a time")
    for prompt in prompts:
        sampling = Sampling(max_tokens=20, temperature=0.0, stop=("zzz",))
        parts = await gathered(engine.stream(prompt, sampling))
        assert "".join(parts) == (await engine.generate([prompt], sampling))[0]
        assert len(parts) > 4
    with pytest.raises(EngineError, match="smollm2: "):
        await gathered(engine.stream("word " * 5_000, Sampling(max_tokens=1)))
    engine.close()


@pytest.mark.models
async def test_a_reader_who_leaves_frees_the_slot_of_llama_cpp() -> None:
    path = resolve("embedded:smollm2-135m-instruct").path
    engine = LlamaCpp(path, "smollm2", threads=1, parallel=1, context=4096)
    engine.load()
    async with aclosing(engine.stream(CATS, Sampling(max_tokens=4_000))) as parts:
        assert await anext(parts)
    assert await engine.generate([CATS], Sampling(max_tokens=1))
    engine.close()


def stream(*chunks: Any, end: str = "[DONE]") -> bytes:
    events = [*map(json.dumps, chunks), *([end] if end else [])]
    return "".join(f"data: {event}\r\n\r\n" for event in events).encode()


def delta(text: str | None) -> dict[str, Any]:
    return {"choices": [{"delta": {"content": text}, "finish_reason": None}]}


def loaded(server: Any) -> OpenAI:
    engine = OpenAI(server.url, "llama")
    engine.load()
    return engine


async def test_another_server_is_asked_to_stream_and_its_parts_come_in_order(server: Any) -> None:
    engine = loaded(server)
    last = {"choices": [{"delta": {}, "finish_reason": "stop"}]}
    usage: dict[str, Any] = {"choices": [], "usage": {}}
    server.answers = [
        (200, stream(delta(None), delta("Bon"), delta("jour 😀"), usage, last)),
        (200, stream({"choices": [{"text": " Salut", "finish_reason": "length"}]}, end="")),
    ]
    assert await gathered(engine.stream(CATS, Sampling(seed=1))) == ["Bon", "jour 😀"]
    assert await gathered(engine.stream("English: Hi", Sampling())) == [" Salut"]
    paths = [(path, body["stream"]) for path, _, body in server.received]
    assert paths == [("/v1/chat/completions", True), ("/v1/completions", True)]
    engine.close()


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        ((429, {}), Overloaded, "busy"),
        ((500, {"error": "secret"}), EngineError, "answered 500"),
        ((200, stream(delta("Hi"), end="")), EngineError, "in the middle of an answer"),
        ((200, stream({"error": {"message": "secret"}})), EngineError, "failed in the middle"),
        ((200, stream(["no object"])), EngineError, "no completion"),
        ((200, b"data: <html>\n\n"), EngineError, "no completion"),
    ],
)
async def test_a_bad_stream_is_an_error_that_tells_nothing_of_the_server(
    server: Any, answer: Any, error: type[Exception], words: str
) -> None:
    engine = loaded(server)
    server.answers = [answer]
    with pytest.raises(error, match=words) as caught:
        await gathered(engine.stream(CATS, Sampling()))
    assert "secret" not in str(caught.value)
    engine.close()


async def test_an_engine_that_cannot_stream_gives_its_text_whole() -> None:
    engine = FakeEngine(str.upper)
    assert await gathered(text_in_parts(engine, "hi", Sampling())) == ["HI"]


async def test_the_health_of_an_engine_follows_its_streams() -> None:
    class Breaks(FakeEngine):
        async def stream(self, prompt: Prompt, sampling: Sampling) -> AsyncGenerator[str, None]:
            yield "one"
            if prompt == "break":
                raise EngineError("it broke") from OSError("gone")

    watched = WatchedEngine(Breaks(str.upper), Probing(in_a_row=9))
    with pytest.raises(EngineError, match="it broke"):
        await gathered(watched.stream("break", Sampling()))
    assert watched.health.failed == 1
    assert await gathered(watched.stream("fine", Sampling())) == ["one"]
    assert watched.health.failed == 0

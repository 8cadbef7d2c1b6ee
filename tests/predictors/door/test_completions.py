"""KServe's OpenAI routes of a chat: the same handler as behind `:predict`, part by part."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from typing import Any

import httpx2
import pytest

from graph.http.events import EventReader
from predictors.chat.model import Chat
from predictors.chat.prompt import BlenderbotPrompt, ChatTemplatePrompt, PromptFormat
from predictors.door.handler import Handler
from predictors.door.middleware import RequestGuard
from predictors.engine import Message as Said
from predictors.engine import Prompt, Sampling
from predictors.serving import build_app
from tests.fakes import FakeEngine
from tests.leaving import leave_after

PATH = "/openai/v1/chat/completions"
HI: dict[str, Any] = {"model": "chat", "messages": [{"role": "user", "content": "Hi"}]}


class Streams(FakeEngine):
    """Gives its texts word by word, and then waits until it may end."""

    def __init__(self, reply: Callable[[str], str]) -> None:
        super().__init__(reply)
        self.may_end = asyncio.Event()
        self.may_end.set()
        self.left = asyncio.Event()

    async def stream(self, prompt: Prompt, sampling: Sampling) -> AsyncGenerator[str, None]:
        [text] = await self.generate([prompt], sampling)
        try:
            for word in text.split(" "):
                yield f"{word} "
            await self.may_end.wait()
        finally:
            self.left.set()


def chat(
    engine: FakeEngine, prompt_format: PromptFormat | None = None, **options: Any
) -> RequestGuard:
    """The application of a chat."""
    prompt_format = prompt_format or ChatTemplatePrompt("Be kind.")
    predictor = Chat("chat", engine, prompt_format, Sampling(max_tokens=20))
    handler = Handler(predictor, **options)
    handler.load()
    return RequestGuard(build_app([handler]), [handler])


def echo(**options: Any) -> RequestGuard:
    return chat(Streams("You said {}. Fine!".format), **options)


async def post(app: Any, body: Any, path: str = PATH) -> httpx2.Response:
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://chat") as client:
        return await client.post(path, json=body)


def chunks(answer: httpx2.Response) -> list[dict[str, Any]]:
    *found, last = EventReader().feed(answer.content)
    assert last == "[DONE]"
    return [json.loads(text) for text in found]


async def test_a_whole_answer_is_a_chat_completion_with_the_steps_of_the_turn() -> None:
    answer = await post(echo(), HI | {"parley": {"request_id": "turn-1"}})
    assert answer.headers["x-request-id"] == "turn-1"
    body = answer.json()
    assert (body["id"], body["object"], body["model"]) == (
        *("chatcmpl-turn-1", "chat.completion", "chat"),
    )
    assert body["usage"] == {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
    [choice] = body["choices"]
    assert choice["message"]["content"] == "You said Hi. Fine!"
    assert choice["finish_reason"] == "stop"
    assert [step["name"] for step in choice["parley"]["steps"]] == ["chat"]


async def test_a_stream_gives_the_same_words_one_after_another() -> None:
    answer = await post(echo(), HI | {"stream": True, "stream_options": {"include_usage": True}})
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    first, *middle, last, usage = chunks(answer)
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    words = [chunk["choices"][0]["delta"]["content"] for chunk in middle]
    assert words == ["You", " said", " Hi.", " Fine!"]
    assert last["choices"][0]["finish_reason"] == "stop"
    assert last["choices"][0]["parley"]["request_id"] == answer.headers["x-request-id"]
    assert (usage["choices"], usage["usage"]["total_tokens"]) == ([], 7)


async def test_both_doors_of_a_chat_give_the_same_turn() -> None:
    app = chat(Streams(lambda text: f"  {text}: one. Two\n\nthree four. \x07 Five si "))
    messages = [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hi there."},
        {"role": "user", "content": "And?"},
    ]
    instance = {"user_input": "And?", "history": ["Hello", "Hi there."]}
    answer = await post(app, {"instances": [instance]}, "/v1/models/chat:predict")
    body = (await post(app, {"model": "chat", "messages": messages})).json()
    assert body["choices"][0]["message"]["content"] == answer.json()["predictions"][0]["response"]


async def test_what_a_request_asks_reaches_the_model_within_what_the_operator_allows() -> None:
    engine = Streams(str.upper)
    asked = {"max_tokens": 99, "temperature": 0.5, "top_p": 0.9, "seed": 7, "stop": "END"}
    system = [{"role": "system", "content": "Be brief."}]
    messages = [*system, *HI["messages"]]
    assert (await post(chat(engine), HI | asked | {"messages": messages})).status_code == 200
    [sampling] = engine.samplings
    assert sampling == Sampling(20, 0.5, 0.9, 1.03, 7, ("END",))
    told = Said("system", "Be kind.\n\nBe brief.")
    assert engine.prompts == [(told, Said("user", "Hi"))]
    await post(chat(engine), HI | {"max_completion_tokens": 3})
    assert engine.samplings[-1].max_tokens == 3


async def test_an_answer_that_was_cut_off_says_so_and_one_that_is_empty_is_tried_again() -> None:
    cut = (await post(echo(), HI | {"max_tokens": 4})).json()["choices"][0]
    assert (cut["finish_reason"], cut["message"]["content"]) == ("length", "You said Hi. Fine!")
    engine = FakeEngine(lambda text: "" if len(engine.samplings) < 2 else "At last.")
    assert (await post(chat(engine), HI)).json()["choices"][0]["message"]["content"] == "At last."
    silent = (await post(chat(FakeEngine(lambda text: "")), HI)).json()["choices"][0]
    assert silent["message"]["content"] == ""
    assert silent["parley"]["degraded"] == [{"step": "chat", "reason": "no-answer"}]


@pytest.mark.parametrize(
    ("change", "status", "param"),
    [
        ({"tools": [{"type": "function"}]}, 400, "tools"),
        ({"n": 2}, 400, "n"),
        ({"colour": 1}, 400, "colour"),
        ({"model": "other"}, 404, None),
        ({"messages": []}, 400, "messages"),
        ({"parley": {"language": "fr", "colour": 1}}, 400, "colour"),
        ({"messages": [{"role": "user", "content": "x" * 40_001}]}, 413, "messages[0].content"),
    ],
)
async def test_a_wrong_request_is_refused_in_the_words_of_openai(
    change: dict[str, Any], status: int, param: str | None
) -> None:
    for stream in (False, True):
        answer = await post(echo(), HI | change | {"stream": stream})
        assert answer.status_code == status
        error = answer.json()["error"]
        assert (error["type"], error["param"]) == ("invalid_request_error", param)
        assert error["request_id"] == answer.headers["x-request-id"]


async def test_a_model_without_roles_refuses_a_system_message() -> None:
    app = chat(FakeEngine(str.upper), BlenderbotPrompt())
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
    answer = await post(app, HI | {"messages": messages})
    assert answer.status_code == 400
    assert "takes no system message" in answer.json()["error"]["message"]


async def test_its_models_are_listed() -> None:
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(echo()), base_url="http://chat"
    ) as client:
        listed = (await client.get("/openai/v1/models")).json()
        assert [model["id"] for model in listed["data"]] == ["chat"]
        assert (await client.get("/openai/v1/models/chat")).json()["id"] == "chat"
        assert (await client.get("/openai/v1/models/other")).status_code == 404


async def test_one_queue_holds_for_both_doors() -> None:
    engine = Streams(str.upper)
    engine.may_end.clear()
    app = chat(engine, max_inflight=1)
    first = asyncio.create_task(post(app, HI | {"stream": True}))
    while not engine.prompts:
        await asyncio.sleep(0)
    assert (await post(app, {"user_input": "Hi"}, "/v1/models/chat:predict")).status_code == 503
    refused = await post(app, HI)
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "overloaded")
    assert int(refused.headers["retry-after"]) >= 1
    engine.may_end.set()
    assert (await first).status_code == 200


async def test_a_deadline_in_the_middle_of_a_stream_is_its_last_event() -> None:
    engine = Streams(str.upper)
    engine.may_end.clear()
    answer = await post(chat(engine, request_timeout=0.2), HI | {"stream": True})
    *_, last = EventReader().feed(answer.content)
    assert json.loads(last)["error"]["code"] == "timeout"
    assert engine.left.is_set()


async def test_a_client_that_leaves_ends_the_generation() -> None:
    engine = Streams(str.upper)
    engine.may_end.clear()
    sent = await leave_after(chat(engine), PATH, HI | {"stream": True}, b"HI")
    assert engine.left.is_set()
    assert sent[-1].get("more_body", False)


async def test_an_engine_that_cannot_stream_answers_in_one_chunk() -> None:
    first, only, _ = chunks(await post(chat(FakeEngine(str.upper)), HI | {"stream": True}))
    assert only["choices"][0]["delta"] == {"content": "HI"}

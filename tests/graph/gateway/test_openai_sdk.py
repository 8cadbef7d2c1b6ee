"""The official SDK of OpenAI against a running gateway: nothing of it needs to know Parley."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from graph.gateway.app import GatewayApp, GatewayLimits
from graph.gateway.keys import ApiKeys
from tests.graph.gateway.playing import Gate, Writes, local_graph, with_steps

MODEL = "multilingual-chat"
KEY = "a-key-of-sixteen-characters"
FRENCH = "Bonjour, comment allez-vous aujourd'hui ?"
SAID: list[Any] = [{"role": "user", "content": FRENCH}]
FUNCTION = {"type": "function", "function": {"name": "f"}}

Ask = Callable[..., Any]


@pytest.fixture
def gate() -> Gate:
    return Gate(local_graph(Writes(lambda text: "One is here 😀. Two is there.")))


@pytest.fixture
def url(gate: Gate, serve_app: Callable[[Any], str]) -> str:
    keys, limits = ApiKeys((KEY.encode(),)), GatewayLimits(inflight=9)
    return serve_app(GatewayApp(gate.gateway, keys, limits)) + "/v1"


@pytest.fixture
def client(url: str) -> Iterator[OpenAI]:
    with OpenAI(base_url=url, api_key=KEY, max_retries=0) as client:
        yield client


def test_its_models_are_listed_and_found(client: OpenAI) -> None:
    assert [model.id for model in client.models.list()] == [MODEL, f"{MODEL}:en", f"{MODEL}:fr"]
    assert client.models.retrieve(f"{MODEL}:fr").owned_by == "parley"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-4")


def test_a_whole_answer_has_its_usage_and_the_turn(client: OpenAI) -> None:
    answer = client.chat.completions.create(
        model=MODEL, messages=SAID, max_tokens=99, temperature=0.5, top_p=1.0, seed=1, user="ana"
    )
    [choice] = answer.choices
    assert choice.message.content == "fr:One is here 😀. fr:Two is there."
    assert choice.finish_reason == "stop"
    assert answer.usage is not None and answer.usage.completion_tokens == 7
    assert choice.model_extra is not None
    assert choice.model_extra["parley"]["response_en"] == "One is here 😀. Two is there."


def test_a_stream_gives_each_sentence_and_the_usage_at_its_end(client: OpenAI) -> None:
    chunks = list(
        client.chat.completions.create(
            model=MODEL, messages=SAID, stream=True, stream_options={"include_usage": True}
        )
    )
    words = [choice.delta.content for chunk in chunks for choice in chunk.choices]
    assert list(filter(None, words)) == ["fr:One is here 😀.", " fr:Two is there."]
    assert chunks[-1].usage is not None and chunks[-1].usage.completion_tokens == 7
    assert [c.finish_reason for chunk in chunks for c in chunk.choices][-1] == "stop"
    assert len({chunk.id for chunk in chunks}) == 1


@pytest.mark.parametrize("stream", [False, True])
def test_what_nobody_counted_has_no_usage(
    gate: Gate, serve_app: Callable[[Any], str], stream: bool
) -> None:
    """A step behind the chat that is asked under a condition: the answer comes whole."""
    graph = gate.local.graph
    gate.graph = with_steps(graph, graph.nodes["fr"].steps[-1], condition="predictions")
    with OpenAI(base_url=f"{serve_app(gate.app)}/v1", api_key="x", max_retries=0) as client:
        create: Ask = client.chat.completions.create
        if not stream:
            assert create(model=MODEL, messages=SAID).usage is None
            return
        wanted = {"include_usage": True}
        chunks = list(create(model=MODEL, messages=SAID, stream=True, stream_options=wanted))
    assert [chunk.usage for chunk in chunks] == [None] * 3
    assert chunks[1].choices[0].delta.content == "fr:One is here 😀. fr:Two is there."


def test_its_stream_helper_puts_the_chunks_together(client: OpenAI) -> None:
    with client.chat.completions.stream(model=MODEL, messages=SAID) as stream:
        answer = stream.get_final_completion()
    assert answer.choices[0].message.content == "fr:One is here 😀. fr:Two is there."


async def test_in_an_event_loop_it_is_the_same(url: str) -> None:
    async with AsyncOpenAI(base_url=url, api_key=KEY, max_retries=0) as client:
        whole = await client.chat.completions.create(model=MODEL, messages=SAID)
        stream = await client.chat.completions.create(model=MODEL, messages=SAID, stream=True)
        words = [choice.delta.content or "" async for chunk in stream for choice in chunk.choices]
    assert "".join(words) == whole.choices[0].message.content


def test_a_conversation_goes_on_in_the_persons_language(client: OpenAI, gate: Gate) -> None:
    said = list(SAID)
    for message in ("Et toi, tu vas bien aussi ?", "Merci beaucoup, au revoir."):
        answer = client.chat.completions.create(model=MODEL, messages=said)
        said += [{"role": "assistant", "content": answer.choices[0].message.content}]
        said += [{"role": "user", "content": message}]
    client.chat.completions.create(model=MODEL, messages=said)
    walks = gate.calls("detector")
    assert [len(turn["history"]) for [turn] in walks] == [0, 2, 4]
    assert walks[-1][0]["history"][:2] == [f"en:{FRENCH}", "One is here 😀. Two is there."]


@pytest.mark.parametrize(
    ("asked", "kind", "param"),
    [
        ({"tools": [FUNCTION]}, openai.BadRequestError, "tools"),
        ({"n": 2}, openai.BadRequestError, "n"),
        ({"response_format": {"type": "json_object"}}, openai.BadRequestError, "response_format"),
        ({"extra_body": {"parley": {"language": "xx"}}}, openai.BadRequestError, None),
        ({"model": "gpt-4"}, openai.NotFoundError, None),
    ],
)
def test_what_is_not_supported_is_an_error_that_names_it(
    client: OpenAI, asked: dict[str, Any], kind: type[openai.APIStatusError], param: str | None
) -> None:
    create: Ask = client.chat.completions.create
    with pytest.raises(kind) as caught:
        create(**{"model": MODEL, "messages": SAID} | asked)
    assert caught.value.param == param
    assert caught.value.request_id and caught.value.type == "invalid_request_error"


def test_an_unknown_key_is_an_error_of_its_own(url: str) -> None:
    with OpenAI(base_url=url, api_key="x", max_retries=0) as client:
        with pytest.raises(openai.AuthenticationError):
            client.models.list()


def test_an_error_in_the_middle_of_a_stream_is_raised(
    gate: Gate, serve_app: Callable[[Any], str]
) -> None:
    engine = Writes(lambda text: "One is here. Two is there.")
    engine.waits_before = 5
    app = GatewayApp(Gate(local_graph(engine)).gateway, limits=GatewayLimits(seconds=0.5))
    with OpenAI(base_url=f"{serve_app(app)}/v1", api_key="x", max_retries=0) as client:
        stream = client.chat.completions.create(model=MODEL, messages=SAID, stream=True)
        words: list[str] = []
        with pytest.raises(openai.APIError, match="no answer within 0.5 s"):
            words += [c.delta.content or "" for chunk in stream for c in chunk.choices]

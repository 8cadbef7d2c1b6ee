"""The engine on another server, against a real HTTP server that records what it received."""

import asyncio
import gc
import threading
import warnings

import pytest

from graph.errors import EngineError, ModelError, NotReady, Overloaded
from predictors.chat.__main__ import build
from predictors.engine import Message, Sampling
from predictors.engines.openai import OpenAI


def loaded(server, **options):
    engine = OpenAI(server.url, "llama", **options)
    engine.load()
    return engine


async def test_messages_and_texts_go_where_the_protocol_wants_them(server):
    engine = loaded(server, api_key="secret")
    assert (engine.info.context, engine.info.has_chat_template) == (8192, True)
    server.answers = [
        (200, {"choices": [{"message": {"content": "Hello."}}]}),
        (200, {"choices": [{"text": " Salut."}]}),
    ]
    sampling = Sampling(max_tokens=9, temperature=0.0, stop=("\n",))
    assert await engine.generate([(Message("user", "Hi"),)], sampling) == ["Hello."]
    assert await engine.generate(["English: Hi\nFrench:"], sampling) == [" Salut."]
    words = {"model": "llama", "max_tokens": 9, "temperature": 0.0, "stop": ["\n"]}
    assert server.received == [
        (
            "/v1/chat/completions",
            "Bearer secret",
            {**words, "messages": [{"role": "user", "content": "Hi"}]},
        ),
        ("/v1/completions", "Bearer secret", {**words, "prompt": "English: Hi\nFrench:"}),
    ]
    engine.close()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((429, {}), Overloaded),
        ((503, {}), Overloaded),
        ((500, {"error": "secret path"}), EngineError),
        ((200, b"<html>"), EngineError),
        ((200, {"choices": []}), EngineError),
        ((200, ["no object"]), EngineError),
    ],
)
async def test_a_bad_answer_is_an_error_that_tells_nothing_of_the_server(server, answer, error):
    engine = loaded(server)
    server.answers = [answer]
    with pytest.raises(error) as caught:
        await engine.generate(["Hi"], Sampling())
    assert "secret" not in str(caught.value)
    engine.close()


ANSWER = (200, {"choices": [{"text": " Salut."}]})


async def test_closing_the_engine_closes_the_connection_that_it_kept(server):
    engine = loaded(server)
    server.answers = [ANSWER, ANSWER]
    for _ in range(2):
        await engine.generate(["Hi"], Sampling())
    assert server.ended.empty(), "the connection was not kept"
    engine.close()
    assert server.ended.get(timeout=30) == 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        del engine
        gc.collect()


def test_an_engine_keeps_its_connection_from_one_event_loop_to_the_next(server):
    engine = loaded(server)
    server.answers = [ANSWER, ANSWER]
    for _ in range(2):
        assert asyncio.run(engine.generate(["Hi"], Sampling())) == [" Salut."]
    engine.close()
    assert server.ended.get(timeout=30) == 2


async def test_a_caller_that_leaves_closes_the_connection_of_its_request(server):
    engine = loaded(server)
    release = threading.Event()
    server.answers = [release]
    asking = asyncio.create_task(engine.generate(["Hi"], Sampling()))
    await asyncio.to_thread(server.asked.wait, 30)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    release.set()
    assert await asyncio.to_thread(server.ended.get, timeout=30) == 1
    engine.close()


async def test_closing_the_engine_ends_a_request_that_is_on_its_way(server):
    engine = loaded(server)
    release = threading.Event()
    server.answers = [release]
    asking = asyncio.create_task(engine.generate(["Hi"], Sampling()))
    await asyncio.to_thread(server.asked.wait, 30)
    await asyncio.to_thread(engine.close)
    with pytest.raises(NotReady, match="the model is being closed"):
        await asking
    release.set()
    with pytest.raises(NotReady, match="llama: not loaded yet"):
        await engine.generate(["Hi"], Sampling())


def test_a_server_or_a_model_that_is_not_there_is_named(server):
    with pytest.raises(ModelError, match="not at .*; there are llama, other"):
        OpenAI(server.url, "gpt").load()
    with pytest.raises(ModelError, match="does not list its models"):
        OpenAI("http://127.0.0.1:9/v1", "gpt").load()


async def test_a_chat_on_another_server_sends_the_key_of_the_environment(server):
    arguments = ["--model_name=chat", f"--model=openai:llama@{server.url}"]
    chat, _ = build(arguments, {"OPENAI_API_KEY": "secret"})
    chat.load()
    server.answers = [(200, {"choices": [{"message": {"content": "Hello."}}]})]
    [turn] = await chat.predict([{"user_input": "Hi"}])
    chat.close()
    assert turn["response"] == "Hello."
    assert [authorization for _, authorization, _ in server.received] == ["Bearer secret"]

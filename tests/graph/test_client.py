"""The client against a real server: the shipped graph with fakes, over HTTP and in this process."""

import asyncio
import time

import pytest

from graph.client import ChatClient, Degradation
from graph.errors import DeadlineExceeded, NotReady, NotServed, StepError
from graph.local.app import app_of
from graph.local.transport import LocalTransport
from predictors.chat.model import Chat
from predictors.chat.prompt import ChatTemplatePrompt
from predictors.door.handler import Handler
from predictors.engine import Sampling
from tests.fakes import FakeEngine, broken, embedded_graph, predictors


def test_a_turn_is_typed(client):
    reply = client.turn("Où est la gare, s'il vous plaît ?", history=["hi", "hello"])
    assert reply.language == "fr"
    assert reply.user_input_en == "en:Où est la gare, s'il vous plaît ?"
    assert reply.response_en == f"You said: {reply.user_input_en}"
    assert reply.response == f"fr:{reply.response_en}"
    assert reply.history == ["hi", "hello", reply.user_input_en, reply.response_en]
    assert 0 <= reply.language_confidence <= 1
    names = [step.name for step in reply.steps]
    assert names == ["detector", "translate-fr-en", "chat", "translate-en-fr"]
    assert reply.prediction["route"] == "fr"


def test_a_turn_that_lacks_nothing_says_nothing(client):
    assert client.turn("Hello there").degraded == ()


def test_a_turn_says_what_it_lacks():
    graph = embedded_graph(predictors(lambda text: ""))
    with ChatClient(transport=LocalTransport(graph)) as client:
        for text in ("Hello there, how are you?", "Où est la gare, s'il vous plaît ?"):
            reply = client.turn(text, history=["hi", "hello"])
            assert reply.response == reply.response_en == ""
            assert reply.history == ["hi", "hello"]
            assert reply.degraded == (Degradation("chat", "no-answer"),)
            assert str(reply.degraded[0]) == "The model of chat gave no answer, twice."


def test_a_chosen_language_wins(client):
    assert client.turn("Hello there, how are you?", language="fr").language == "fr"


def test_a_batch_of_several_languages_is_answered_in_order(client):
    texts = ["Hello, how are you today?", "Où est la gare, s'il vous plaît ?", "See you tomorrow!"]
    replies = client.turns([{"user_input": text} for text in texts])
    assert [reply.language for reply in replies] == ["en", "fr", "en"]
    assert [reply.user_input for reply in replies] == texts
    assert {reply.prediction["route"] for reply in replies} == {"mixed"}
    assert replies[0].response == "You said: Hello, how are you today?"
    assert [step.name for step in replies[0].steps] == ["detector", "chat"]


def test_one_predictor_can_be_called_alone(client):
    [prediction] = client.predict("chat", [{"user_input": "Hello"}])
    assert prediction["response"] == "You said: Hello"


@pytest.mark.parametrize(
    ("name", "words"), [("nobody", "there are detector"), ("chatt", 'did you mean "chat"')]
)
def test_an_unknown_predictor_is_named_with_those_there_are(client, name, words):
    with pytest.raises((NotServed, StepError)) as caught:
        client.predict(name, [{"user_input": "Hello"}])
    assert caught.value.status == 404
    assert str(caught.value).startswith(f"{name}: no such predictor; ")
    assert words in str(caught.value)


def test_a_step_that_fails_fails_the_turn_with_its_words(serve_app):
    with ChatClient(serve_app(app_of(embedded_graph(predictors(broken))))) as client:
        with pytest.raises(StepError, match="the engine is broken") as caught:
            client.turn("Hello there")
    assert caught.value.status == 500


def test_a_turn_has_the_name_that_it_was_given_in_its_answer_and_in_its_error(client):
    assert client.turn("Hello there", request_id="turn-1").request_id == "turn-1"
    with pytest.raises(StepError) as caught:
        client.turn("x" * 10_001, request_id="turn-2")
    assert caught.value.request_id == "turn-2"


def test_a_turn_without_a_name_gets_one_and_no_other_turn_has_it(client):
    assert client.turn("Hello there").request_id != client.turn("Hello there").request_id
    with pytest.raises(StepError) as caught:
        client.turn("x" * 10_001)
    assert len(caught.value.request_id) == 32


def test_an_error_that_no_server_named_has_the_name_that_the_client_sent():
    with ChatClient("http://127.0.0.1:1", retries=0) as client:
        with pytest.raises(NotReady) as caught:
            client.turn("Hello", request_id="turn-3")
    assert caught.value.request_id == "turn-3"


class Hangs(FakeEngine):
    """An engine that never answers."""

    async def generate(self, prompts, sampling):
        await asyncio.Event().wait()
        raise AssertionError


def test_a_turn_ends_at_the_time_that_the_person_gives_it_and_says_where():
    engine = Hangs(str, context=200_000)
    handlers = predictors()
    handlers[3] = Handler(
        Chat("chat", engine, ChatTemplatePrompt(""), Sampling(max_tokens=9)), clock_skew=0
    )
    handlers[3].load()
    with ChatClient(transport=LocalTransport(embedded_graph(handlers))) as client:
        with pytest.raises(StepError, match="chat: no answer by the turn's deadline") as caught:
            client.turn("Hello there", timeout=0.2)
    assert caught.value.status == 504


def test_a_turn_says_until_when_it_was_awaited(client):
    before = time.time()
    deadline = client.turn("Hello there", timeout=20).prediction["deadline"]
    assert before + 19 < deadline < time.time() + 21


def test_nothing_at_the_url_is_not_ready():
    with ChatClient("http://127.0.0.1:1") as client, pytest.raises(NotReady, match="127.0.0.1:1"):
        client.turn("Hello")


def test_a_slow_answer_is_given_up(serve_app):
    async def never(scope, receive, send):
        while (await receive())["type"] != "http.disconnect":
            pass

    with ChatClient(serve_app(never), timeout=0.05) as client:
        with pytest.raises(DeadlineExceeded, match=r"0\.05 s"):
            client.turn("Hello")


@pytest.mark.parametrize(
    "answer",
    [b"<html>", b"[]", b"{}", b'{"predictions": []}', b'{"predictions": [{"response": "x"}]}'],
)
def test_an_answer_that_is_not_of_the_contract_is_an_error(serve_app, answer):
    async def foreign(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": answer})

    with ChatClient(serve_app(foreign)) as client, pytest.raises(StepError):
        client.turn("Hello")


def test_url_or_transport():
    with pytest.raises(ValueError, match="either"):
        ChatClient()

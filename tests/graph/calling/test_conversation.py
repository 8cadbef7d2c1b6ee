"""Conversations: what they keep, in both languages, and what they send, by every client."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from graph.calling.conversation import Memory
from graph.client import AsyncChatClient, AsyncConversation, ChatClient, Conversation
from graph.errors import SpecError, StepError
from graph.local.app import app_of
from graph.local.transport import LocalTransport
from graph.turn.limits import PUBLIC_LIMITS
from tests.awaited import memory
from tests.fakes import embedded_graph, predictors


def test_a_conversation_sends_history_and_last_language(client):
    talk = client.conversation()
    talk.say("Où est la gare, s'il vous plaît ?")
    assert talk.say("ok").language == "fr"
    assert len(memory(talk).history) == 4
    memory(talk).reset()
    assert talk.say("ok").language == "en"


def test_a_long_conversation_sends_its_newest_turns_and_keeps_every_reply(client):
    talk = client.conversation()
    memory(talk).history = [f"text {i}" for i in range(PUBLIC_LIMITS.history)]
    assert talk.say("Hello there").prediction["history"][0] == "text 0"
    assert talk.say("Hello again").prediction["history"][0] == "text 2"
    assert memory(talk).history[-4:] == [
        "Hello there", "You said: Hello there", "Hello again", "You said: Hello again",
    ]  # fmt: skip
    assert [reply.user_input for reply in memory(talk).replies] == ["Hello there", "Hello again"]


def test_a_conversation_of_long_texts_is_sent_as_far_as_a_request_may_be_large(client):
    talk = client.conversation()
    text = "x" * PUBLIC_LIMITS.text
    fitting = PUBLIC_LIMITS.body // len(text) // 2 * 2
    memory(talk).history = [text] * (fitting + 2)
    reply = talk.say("Hello there")
    assert fitting - 2 <= len(reply.history) - 2 <= fitting


def test_a_refusal_carries_status_and_words_and_leaves_the_conversation_as_it_was(client):
    talk = client.conversation()
    talk.say("Hello there")
    with pytest.raises(StepError) as caught:
        talk.say("x" * 10_001)
    assert caught.value.status == 413
    assert "instances[0].user_input" in str(caught.value)
    assert len(memory(talk).history) == 2


# For conversations in which nothing is said.
NOBODY, NO_ONE = ChatClient("http://127.0.0.1:1"), AsyncChatClient("http://127.0.0.1:1")


@pytest.fixture
def silent():
    """A graph whose chat has no answer to what says `nothing`."""
    graph = embedded_graph(
        predictors(lambda text: "" if "nothing" in text else f"You said: {text}")
    )
    with ChatClient(transport=LocalTransport(graph)) as client:
        yield client


def test_the_transcript_is_the_history_in_the_words_of_the_person(silent):
    talk = silent.conversation()
    assert talk.transcript == talk.history == []
    talk.say("Où est la gare, s'il vous plaît ?")
    talk.say("Say nothing, please.")
    talk.say("Thank you very much")
    assert len(talk.replies) == 3
    assert talk.history[:2] == [
        "en:Où est la gare, s'il vous plaît ?",
        "You said: en:Où est la gare, s'il vous plaît ?",
    ]
    assert talk.transcript == [
        "Où est la gare, s'il vous plaît ?",
        "fr:You said: en:Où est la gare, s'il vous plaît ?",
        "Thank you very much",
        "You said: Thank you very much",
    ]


def test_a_transcript_has_english_where_the_words_of_the_person_are_not_known(silent):
    talk = silent.conversation()
    talk.history = ["hi", "hello"]
    talk.say("Où est la gare, s'il vous plaît ?")
    assert talk.transcript[:3] == ["hi", "hello", "Où est la gare, s'il vous plaît ?"]


def test_a_transcript_forgets_what_the_history_forgot(silent):
    talk = silent.conversation()
    talk.say("Hello there")
    talk.say("Thank you very much")
    talk.history = talk.history[2:]
    assert (
        talk.transcript == talk.history == ["Thank you very much", "You said: Thank you very much"]
    )


def test_a_conversation_goes_on_from_its_file(client, tmp_path):
    talk = client.conversation("fr")
    talk.say("Où est la gare, s'il vous plaît ?")
    file = tmp_path / "talk.json"
    memory(talk).save(file)
    loaded: Memory
    for loaded in (Conversation.load(file, NOBODY), AsyncConversation.load(file, NO_ONE)):
        assert (loaded.language, loaded.timeout) == ("fr", None)
        assert loaded.history == memory(talk).history
        assert loaded.transcript == memory(talk).transcript
        assert loaded.replies == memory(talk).replies


def test_a_loaded_conversation_sends_what_was_said(silent, tmp_path):
    talk = silent.conversation()
    talk.say("Où est la gare, s'il vous plaît ?")
    talk.save(tmp_path / "talk.json")
    reply = Conversation.load(tmp_path / "talk.json", silent).say("ok")
    assert reply.language == "fr"
    assert reply.history == [*talk.history, "en:ok", "You said: en:ok"]


def test_a_file_is_replaced_unless_it_may_not_be(silent, tmp_path):
    talk, file = silent.conversation(), tmp_path / "talk.json"
    talk.save(file, replace=False)
    talk.say("Hello there")
    with pytest.raises(FileExistsError):
        talk.save(file, replace=False)
    assert Conversation.load(file, silent).replies == []
    talk.save(file)
    assert len(Conversation.load(file, silent).replies) == 1


GOOD = {"format": "parley-conversation", "version": 1, "language": None, "timeout": None}
GOOD |= {"history": [], "turns": []}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"\xff", "is not JSON in UTF-8"),
        (b"[" * 100_000, "is not JSON in UTF-8"),
        (b"", "is not JSON in UTF-8"),
        (b"[]", 'is not a saved conversation: it has no "format": "parley-conversation"'),
        (b'{"format": 1}', 'is not a saved conversation: it has no "format"'),
        (GOOD | {"version": 2}, "is of version 2; this Parley reads version 1"),
        (GOOD | {"mood": 1}, "mood: unknown key"),
        ({key: GOOD[key] for key in GOOD if key != "turns"}, "turns: missing"),
        (GOOD | {"history": "hi"}, "history: must be a list of texts, not a text"),
        (GOOD | {"history": [1]}, r"history\[0\]: must be a text, not a number"),
        (GOOD | {"history": None}, "history: must be a list of texts, not null"),
        (GOOD | {"language": "klingon"}, "language: must be a language code"),
        (GOOD | {"timeout": -1}, "timeout: must be a number of seconds"),
        (GOOD | {"turns": {}}, "turns: must be a list"),
        (GOOD | {"turns": [1]}, r"turns\[0\]: must be an object"),
        (GOOD | {"turns": [{"user_input": "Hi"}]}, r"turns\[0\]: the answer is not a turn"),
    ],
)
def test_a_file_that_is_no_conversation_is_refused_by_name(tmp_path, content, problem):
    file = tmp_path / "talk.json"
    file.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    with pytest.raises(SpecError, match=f"^{file}: {problem}"):
        Conversation.load(file, NOBODY)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(SpecError, match="none.json: No such file or directory"):
        Conversation.load(tmp_path / "none.json", NOBODY)


def test_threads_may_share_a_client_and_a_conversation(serve_app):
    with ChatClient(serve_app(app_of(embedded_graph(predictors())))) as client:
        talk = client.conversation()
        texts = [f"Hello number {i}" for i in range(8)]
        with ThreadPoolExecutor(8) as pool:
            replies = list(pool.map(client.turn, texts))
            said = list(pool.map(talk.say, texts))
    assert [reply.user_input for reply in replies] == texts
    assert [reply.user_input for reply in said] == texts
    # Each turn had the whole of those before it.
    assert sorted(len(reply.history) for reply in said) == list(range(2, 18, 2))
    assert sorted(talk.transcript[::2]) == texts


async def test_tasks_that_speak_at_once_in_one_conversation_take_turns(serve_app):
    async with AsyncChatClient(serve_app(app_of(embedded_graph(predictors())))) as client:
        talk = client.conversation()
        texts = [f"Hello number {i}" for i in range(5)]
        replies = await asyncio.gather(*map(talk.say, texts))
    assert [reply.user_input for reply in replies] == texts
    assert talk.transcript[::2] == texts
    assert len(talk.history) == 10

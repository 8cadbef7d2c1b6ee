"""The shipped chat on its real models, through the doors that people use."""

import json
import random
import re
from pathlib import Path

import pytest

from graph.cli.main import main
from graph.client import AsyncChatClient, ChatClient
from graph.local import build as local
from graph.local.app import app_of
from predictors.detector.recogniser import Recogniser
from tests.conftest import served

pytestmark = pytest.mark.models

FRENCH = """Bonjour !
Bonsoir, comment vas-tu ?
Quelle est la capitale de la France ?
Peux-tu m'aider à écrire une lettre ?
J'ai faim, que puis-je manger ce soir ?
Merci beaucoup pour ton aide.
Je suis très fatigué aujourd'hui.
Raconte-moi une petite histoire.
Quel temps fait-il en hiver au Canada ?
J'aime beaucoup la musique classique.
Comment apprendre à nager ?
Mon chat dort toute la journée.
Où se trouve la tour Eiffel ?
Je cherche un cadeau pour ma sœur.
Est-ce que tu aimes les chiens ?
Demain, je pars en vacances à la mer.
Qu'est-ce qu'un ordinateur ?
J'ai perdu mes clés ce matin.
Pourquoi le ciel est-il bleu ?
Donne-moi une idée de recette facile.""".splitlines()

ENGLISH = """Hello!
Good evening, how are you?
What is the capital of Italy?
Can you help me to write a letter?
I am hungry, what can I eat tonight?
Thank you very much for your help.
I am very tired today.
Tell me a short story.
What is the weather like in Canada in winter?
I love classical music.
How can I learn to swim?
My cat sleeps all day long.
Where is the Eiffel Tower?
I am looking for a present for my sister.
Do you like dogs?
Tomorrow I am going on holiday to the seaside.
What is a computer?
I lost my keys this morning.
Why is the sky blue?
Give me an idea for an easy recipe.""".splitlines()


@pytest.fixture(scope="module")
def url():
    graph = local.build(local.read_file(""), "embedded.yaml")
    graph.load()
    with served(app_of(graph)) as url:
        yield url
    graph.close()


@pytest.fixture(scope="module")
def recogniser():
    return Recogniser(("en", "fr"), "en")


@pytest.mark.parametrize(
    ("language", "message"),
    [("fr", text) for text in FRENCH] + [("en", text) for text in ENGLISH],
)
def test_a_first_message_is_answered_in_its_language(url, capsys, recogniser, language, message):
    assert main(["ask", message, "--url", url, "-o", "json"]) == 0
    turn = json.loads(capsys.readouterr().out)
    assert turn["language"] == language
    assert turn["user_input"] == message
    assert len(turn["history"]) == 2
    assert turn["history"] == [turn["user_input_en"], turn["response_en"]]
    assert recogniser.recognise(turn["response"], None).language == language, turn["response"]


@pytest.mark.parametrize(
    ("message", "greeting"), [(FRENCH[0], r"bonjour|salut"), (ENGLISH[0], r"hello|hi\b")]
)
def test_a_greeting_is_answered_briefly_by_a_greeting(url, capsys, message, greeting):
    assert main(["ask", message, "--url", url]) == 0
    answer = capsys.readouterr().out
    assert re.search(greeting, answer.lower()), answer
    assert len(answer.split()) <= 20, answer


def test_a_conversation_of_five_turns_that_switches_language_keeps_its_thread(url):
    messages = [
        ("fr", "Bonjour, je m'appelle Marie."),
        ("fr", "Quelle est la capitale de la France ?"),
        ("en", "And which river flows through it?"),
        ("fr", "Merci. Quel monument faut-il y voir ?"),
        ("en", "Thank you, that was helpful."),
    ]
    with ChatClient(url) as client:
        talk = client.conversation()
        for i, (language, message) in enumerate(messages):
            before = talk.history
            reply = talk.say(message)
            assert reply.language == language, message
            assert reply.response.strip()
            # The thread is the English history: what was said stays, this turn is added.
            assert reply.history == [*before, reply.user_input_en, reply.response_en]
            assert len(reply.history) == 2 * (i + 1)
        assert "Paris" in " ".join(talk.history)


def test_at_temperature_0_the_chat_answers_the_same_alone_and_among_others(url):
    """Neither continuous batching nor a cached prompt must show in an answer of the chat model."""
    instances = [{"user_input": text} for text in ENGLISH[:8]]
    with ChatClient(url) as client:
        alone = {i["user_input"]: client.predict("chat", [i])[0]["response"] for i in instances}
        random.Random(0).shuffle(instances)
        together = client.predict("chat", instances)
    assert {turn["user_input"]: turn["response"] for turn in together} == alone


def test_a_mixed_batch_is_answered_each_in_its_language(url):
    texts = [FRENCH[1], ENGLISH[1], FRENCH[12]]
    with ChatClient(url) as client:
        replies = client.turns([{"user_input": text} for text in texts])
    assert [reply.language for reply in replies] == ["fr", "en", "fr"]
    assert all(reply.response.strip() for reply in replies)


BASIC = str(Path(local.DEFAULT_FILE).with_name("basic-chat.yaml"))


def test_the_basic_chat_remembers_what_was_said(capsys):
    with ChatClient.local(BASIC) as client:
        [first] = client.predict("chat", [{"user_input": "What is the capital of France?"}])
        assert "Paris" in first["response"]
        second = {"user_input": "Which river flows through it?", "history": first["history"]}
        [prediction] = client.predict("chat", [second])
        assert len(prediction["history"]) == 4
    assert main(["ask", "Hello!", "--file", BASIC]) == 0
    assert re.search(r"hello|hi\b", capsys.readouterr().out.lower())


async def test_a_conversation_in_two_languages_in_an_event_loop():
    async with await AsyncChatClient.local() as client:
        talk = client.conversation()
        replies = [await talk.say(text) for text in (FRENCH[0], ENGLISH[2])]
    assert [reply.language for reply in replies] == ["fr", "en"]
    assert talk.transcript == [t for r in replies for t in (r.user_input, r.response)]
    assert talk.history == [t for r in replies for t in (r.user_input_en, r.response_en)]

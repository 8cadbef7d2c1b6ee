"""Both histories of a conversation: what was said, and its English, which nothing makes twice."""

from __future__ import annotations

from graph.completions.messages import ChatMessage
from graph.gateway.histories import Histories, Remembered
from tests.graph.gateway.playing import Gate, Writes, local_graph

FRENCH = (
    "Bonjour, je m'appelle Marie.",
    "Comment ça va aujourd'hui ?",
    "Merci, au revoir.",
)


def english(text: str) -> Remembered:
    return Remembered(text, "fr")


def conversation(*texts: str) -> list[ChatMessage]:
    return [ChatMessage(("user", "assistant")[i % 2], text) for i, text in enumerate(texts)]


async def test_a_conversation_has_the_history_that_the_router_would_have_given_it() -> None:
    gate = Gate(local_graph(Writes("You said: {}".format)))
    said: list[str] = []
    history: list[str] = []
    for message in FRENCH:
        parts, _ = await gate.say(*said, message)
        [turn] = await gate.post({"user_input": message, "history": history})
        assert "".join(parts) == turn["response"]
        history = turn["history"]
        # A client may trim what it was sent.
        said += [message, f" {''.join(parts)}\n"]
    # One walk for each turn: nothing was translated a second time.
    assert len(gate.calls("detector")) == len(FRENCH)
    assert gate.calls("detector")[-1][0]["history"] == history[:-2]
    assert gate.calls("detector")[-1][0]["previous_language"] == "fr"


async def test_what_was_forgotten_is_translated_in_one_batch_and_remembered() -> None:
    gate = Gate(local_graph(Writes("You said: {}".format)))
    said = (FRENCH[0], "Salut Marie, enchanté.", FRENCH[1], "Très bien, merci à toi.")
    await gate.say(*said, FRENCH[2])
    batch, turn = gate.calls("detector")
    assert [each["user_input"] for each in batch] == list(said)
    assert turn[0]["history"] == [f"en:{text}" for text in said]
    await gate.say(*said, FRENCH[1])
    assert len(gate.calls("detector")) == 3


async def test_a_conversation_in_two_languages_keeps_what_is_english() -> None:
    gate = Gate(local_graph(Writes("You said: {}".format)))
    await gate.say("Where is my little cat today?", "Elle est dans le jardin.", FRENCH[2])
    assert gate.calls("detector")[1][0]["history"] == [
        "Where is my little cat today?",
        "en:Elle est dans le jardin.",
    ]


async def test_a_message_without_an_answer_is_not_in_the_history() -> None:
    gate = Gate(local_graph(Writes("You said: {}".format)))
    await gate.say(FRENCH[0], "", FRENCH[1], "Très bien, merci à toi.", FRENCH[2])
    history = gate.calls("detector")[-1][0]["history"]
    assert history == [f"en:{FRENCH[1]}", "en:Très bien, merci à toi."]


async def test_of_a_long_conversation_that_nobody_knows_the_newest_part_is_translated() -> None:
    gate = Gate(local_graph(Writes("You said: {}".format)))
    said = [f"Voici le message numéro {i}, mon ami." for i in range(100)]
    _, ending = await gate.say(*said, FRENCH[2])
    batch, turn = gate.calls("detector")
    assert len(batch) == 64
    assert turn[0]["history"] == [f"en:{text}" for text in said[-64:]]
    assert ending.parley["degraded"] == [{"step": "gateway", "reason": "history-cut"}]


async def test_a_language_that_is_chosen_holds_for_what_is_translated_anew() -> None:
    gate = Gate(local_graph(Writes("You said: {}".format)))
    await gate.say("OK", "OK", "OK", parley={"language": "fr"})
    assert all(turn["language"] == "fr" for turns in gate.calls("detector") for turn in turns)


async def test_the_least_recently_used_is_forgotten_over_the_bytes() -> None:
    histories = Histories(most_bytes=3 * 500)
    told = [conversation(f"message {i}") for i in range(4)]
    for i, messages in enumerate(told[:3]):
        await histories.remember(messages, {0: english("x" * 50 + str(i))})
    assert await histories.find(told[0]) != [None]
    await histories.remember(told[3], {0: english("x" * 50)})
    assert [await histories.find(messages) == [None] for messages in told] == [
        *(False, True, False, False)
    ]
    assert histories.size <= 3 * 500
    await histories.remember(told[0], {0: english("y" * 2_000)})
    assert histories.size == 0


async def test_what_is_old_is_forgotten() -> None:
    now = [0.0]
    histories = Histories(seconds=10, clock=lambda: now[0])
    await histories.remember(conversation("Salut"), {0: english("Hi")})
    now[0] = 9.9
    assert await histories.find(conversation("Salut")) == [english("Hi")]
    now[0] = 10.0
    assert await histories.find(conversation("Salut")) == [None]
    assert histories.size == 0


async def test_a_message_is_known_by_all_that_was_said_before_it() -> None:
    histories = Histories()
    await histories.remember(conversation("Salut", "Oui"), {1: english("Yes")})
    assert await histories.find(conversation("Salut", "Oui")) == [None, english("Yes")]
    assert await histories.find(conversation("Bonjour", "Oui")) == [None, None]
    assert await histories.find(conversation("Salut Oui")) == [None]

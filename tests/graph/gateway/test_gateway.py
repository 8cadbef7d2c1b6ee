"""A chat completion is a turn of the graph: the router's words, sentence by sentence."""

from __future__ import annotations

import asyncio
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.completions.request import AnswerOptions
from graph.errors import ParleyError, RequestError
from graph.spec.model import Dependency
from predictors.engine import Message
from tests.fakes import FakeEngine, broken
from tests.graph.gateway.playing import Gate, Writes, local_graph, with_steps
from tests.graph.text.test_splitting import TEXTS
from tests.waiting import until

FRENCH = "Bonjour, comment allez-vous aujourd'hui ?"
ENGLISH = "How are you today, my friend?"
LONG = "One is here. Two is `a. b` there!\n\n- Three (3. or 4.) goes.\n```\nx = 1\n```\nFour? Fi"


@cache
def shared() -> tuple[Writes, Gate]:
    """For many answers: a detector takes its time to load."""
    engine = Writes(str.upper)
    return engine, Gate(local_graph(engine))


async def test_a_french_answer_leaves_sentence_by_sentence_and_is_the_routers() -> None:
    gate = Gate(local_graph(Writes(lambda text: LONG)))
    parts, ending = await gate.say(FRENCH)
    [turn] = await gate.post({"user_input": FRENCH})
    assert "".join(parts) == turn["response"]
    assert len(parts) >= 4 and parts[0] == "fr:One is here."
    told = dict(ending.parley)
    assert (told["language"], told["route"], told["request_id"]) == ("fr", "fr", "turn-1")
    assert (told["user_input_en"], told["response_en"]) == (
        turn["user_input_en"],
        turn["response_en"],
    )
    steps = ["detector", "translate-fr-en", "chat", "translate-en-fr"]
    assert [step["name"] for step in told["steps"]] == steps
    assert "degraded" not in told and "history" not in told


async def test_an_english_answer_passes_no_translator() -> None:
    gate = Gate(local_graph(Writes(lambda text: LONG)))
    parts, ending = await gate.say(ENGLISH)
    assert "".join(parts) == LONG
    assert [name for name, _ in gate.asked] == ["detector"]
    assert ending.finish == "stop"


@pytest.mark.parametrize("message", [FRENCH, ENGLISH])
async def test_an_answer_that_was_cut_off_ends_with_its_last_whole_sentence(message: str) -> None:
    gate = Gate(local_graph(Writes(lambda text: LONG), max_tokens=5))
    parts, ending = await gate.say(message)
    [turn] = await gate.post({"user_input": message})
    assert "".join(parts) == turn["response"]
    assert turn["response_en"].endswith("Four?") and ending.finish == "length"


@pytest.mark.parametrize("message", [FRENCH, ENGLISH])
@given(text=TEXTS.filter(str.strip), size=st.integers(1, 9))
async def test_whatever_the_chat_says_in_whatever_parts_both_doors_say_the_same(
    message: str, text: str, size: int
) -> None:
    engine, gate = shared()
    engine.reply, engine.size = lambda _: text, size
    parts, ending = await gate.say(message)
    [turn] = await gate.post({"user_input": message})
    assert "".join(parts) == turn["response"]
    assert ending.parley.get("degraded") == turn.get("degraded")


async def test_the_first_sentence_is_out_while_the_second_is_being_written() -> None:
    engine = Writes(lambda text: "One is here. Two is there.", size=18)
    engine.waits_before = 1
    gate = Gate(local_graph(engine))
    parts: list[str] = []
    saying = asyncio.create_task(gate.say(FRENCH, into=parts))
    await until(lambda: bool(parts))
    assert parts == ["fr:One is here."]
    [[sentence]] = gate.calls("translate-en-fr")
    assert sentence["response_en"] == "One is here."
    engine.go.set()
    await saying
    assert parts == ["fr:One is here.", " fr:Two is there."]


async def test_what_each_translator_receives_is_a_sentence_without_the_history() -> None:
    gate = Gate(local_graph(Writes(lambda text: "One is here. Two is there.")))
    await gate.say("Salut, je suis Marie.", "fr:Hi.", FRENCH)
    received = [turn for [turn] in gate.calls("translate-en-fr")]
    assert [turn["response_en"] for turn in received] == ["One is here.", "Two is there."]
    assert all("history" not in turn and turn["request_id"] == "turn-1" for turn in received)


async def test_the_options_reach_the_chat_and_a_system_message_is_translated() -> None:
    engine = Writes(lambda text: "Fine.")
    gate = Gate(local_graph(engine))
    options = AnswerOptions("Tu es un robot très gentil.", 7, 0.5, 0.9, 3, ("END",))
    await gate.say(FRENCH, options=options)
    assert engine.samplings[-1].max_tokens == 7 and engine.samplings[-1].stop == ("END",)
    told = Message("system", "en:Tu es un robot très gentil.")
    assert engine.prompts[-1] == (told, Message("user", f"en:{FRENCH}"))


@pytest.mark.parametrize(
    "fields",
    [
        {"condition": "predictions"},
        {"dependency": Dependency.SOFT},
        {"map_predictions_to_instances": False},
        {"data": ""},
    ],
)
async def test_another_way_behind_the_chat_answers_whole(fields: dict[str, object]) -> None:
    gate = Gate(local_graph(Writes(lambda text: "One is here. Two is there.")))
    translator = gate.local.graph.nodes["fr"].steps[-1]
    gate.graph = with_steps(gate.local.graph, translator, **fields)
    if fields.get("map_predictions_to_instances") is False or "data" in fields:
        with pytest.raises(ParleyError):
            await gate.say(FRENCH)
        return
    parts, ending = await gate.say(FRENCH)
    assert parts == ["fr:One is here. fr:Two is there."]
    assert ending.parley["response_en"] == "One is here. Two is there."
    assert ending.usage is None
    with pytest.raises(RequestError, match="temperature: it is not supported on this way"):
        await gate.say(FRENCH, options=AnswerOptions(temperature=1.0))


async def test_an_engine_that_cannot_stream_is_heard_too() -> None:
    gate = Gate(local_graph(FakeEngine(lambda text: "One is here. Two is there.")))
    parts, _ = await gate.say(FRENCH)
    assert parts == ["fr:One is here.", " fr:Two is there."]


async def test_a_chat_that_says_nothing_is_told_as_such() -> None:
    gate = Gate(local_graph(Writes(lambda text: "")))
    parts, ending = await gate.say(FRENCH)
    assert parts == []
    assert ending.parley["degraded"] == [{"step": "chat", "reason": "no-answer"}]


async def test_a_chat_that_fails_is_an_error_with_the_name_of_the_turn() -> None:
    gate = Gate(local_graph(Writes(broken)))
    with pytest.raises(ParleyError, match="the engine is broken") as caught:
        await gate.say(FRENCH)
    assert (caught.value.status, caught.value.request_id) == (500, "turn-1")


async def test_who_leaves_ends_the_chat_and_the_translators() -> None:
    engine = Writes(lambda text: "One is here. " * 50)
    engine.waits_before = 9
    gate = Gate(local_graph(engine))
    saying = asyncio.create_task(gate.say(FRENCH))
    await until(lambda: bool(gate.calls("translate-en-fr")))
    saying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await saying
    assert engine.left.is_set()
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize("key", ["history", "deadline", "colour"])
async def test_a_field_of_the_turn_that_no_client_sets_is_refused(key: str) -> None:
    gate = Gate(local_graph(Writes(str.upper)))
    with pytest.raises(RequestError, match=f"parley.{key}: unknown"):
        await gate.say(FRENCH, parley={key: "x"})


async def test_a_wrong_message_is_refused_in_the_detectors_words() -> None:
    gate = Gate(local_graph(Writes(str.upper)))
    with pytest.raises(ParleyError, match="de.*not") as caught:
        await gate.say("Hallo", parley={"language": "de"})
    assert caught.value.status == 400

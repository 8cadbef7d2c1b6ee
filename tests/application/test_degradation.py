"""Faults at the seam of each engine, and what a person is answered through the whole graph."""

import asyncio
import json
from dataclasses import dataclass, field

import pytest

from graph.errors import EngineError
from predictors.chat.model import Chat
from predictors.chat.prompt import ChatTemplatePrompt
from predictors.detector.model import Detector
from predictors.door.handler import Handler
from predictors.engine import Sampling
from predictors.predictor import Predictor
from predictors.translator.language import LanguageCheck
from predictors.translator.model import Translator
from predictors.translator.pair import Pair, PairTranslator
from predictors.translator.prompting import PromptStrategy
from predictors.translator.quality import Judge
from tests.fakes import TO_ENGLISH, TO_FRENCH, FakeEngine, embedded_graph, said

MESSAGE = "Où est la gare, s'il vous plaît ?"
ENGLISH = "Where is the station, please?"
ANSWER = "The station is behind the old church."
FRENCH = "La gare est derrière la vieille église."
# The second message of a batch, which no fault concerns.
OTHER = "Comment allez-vous aujourd'hui ?"
OTHER_ENGLISH = "How are you doing today?"
OTHER_ANSWER = "I am doing very well today."
OTHER_FRENCH = "Je vais très bien aujourd'hui."

WORDS = {
    "translate-fr-en": {MESSAGE: ENGLISH, OTHER: OTHER_ENGLISH},
    "chat": {ENGLISH: ANSWER, OTHER_ENGLISH: OTHER_ANSWER},
    "translate-en-fr": {ANSWER: FRENCH, OTHER_ANSWER: OTHER_FRENCH},
}
CONCERNED = {"translate-fr-en": MESSAGE, "chat": ENGLISH, "translate-en-fr": ANSWER}


def fail(text):
    raise EngineError("fake: the engine is broken")


def crash(text):
    raise RuntimeError("CUDA out of memory")


FAULTS = {
    "fail": fail,
    "crash": crash,
    "nothing": lambda text: "",
    "loop": lambda text: "word " * 60,
    "source again": lambda text: text,
}


class Faulty(FakeEngine):
    """Knows the answers of one predictor; one of them it does not give."""

    def __init__(self, step, fault):
        super().__init__(self.answer, context=500)
        self.words = WORDS[step]
        self.concerned = CONCERNED[step]
        self.fault = fault
        self.hanging = False

    def answer(self, text):
        if text == self.concerned and self.fault in FAULTS:
            return FAULTS[self.fault](text)
        return self.words.get(text, "Something else altogether.")

    async def generate(self, prompts, sampling):
        if self.fault == "hang" and self.concerned in map(said, prompts):
            self.hanging = True
            await asyncio.Event().wait()
        return await super().generate(prompts, sampling)


@dataclass
class Seen:
    """What came of a turn. degraded: step and reason."""

    status: int
    response: str = ""
    degraded: list[tuple[str, str]] = field(default_factory=list)


def translator(name: str, pair: Pair, fault: str, degrades: bool) -> Translator:
    engine = Faulty(name, fault)
    judge = Judge(pair.target, LanguageCheck({pair.source, pair.target}))
    strategy = PromptStrategy(engine, pair.source, pair.target, [], None, judge)
    return Translator(name, engine, [PairTranslator(pair, strategy, degrades)])


def graph(step="", fault="", degrades=True, request_timeout=0.0, max_inflight=64):
    """The shipped graph, with a fault in the engine of one step, which has so much room."""
    seconds = request_timeout or (0.3 if fault == "hang" else 55.0)
    faults = dict.fromkeys(WORDS, "") | {step: fault}
    chat = Faulty("chat", faults["chat"])
    made: list[Predictor] = [
        Detector("detector", ("en", "fr"), "en"),
        translator("translate-fr-en", TO_ENGLISH, faults["translate-fr-en"], degrades),
        Chat("chat", chat, ChatTemplatePrompt(""), Sampling(max_tokens=100)),
        translator("translate-en-fr", TO_FRENCH, faults["translate-en-fr"], degrades),
    ]
    rooms = {step: max_inflight}
    handlers = [
        Handler(p, request_timeout=seconds, max_inflight=rooms.get(p.name, 64)) for p in made
    ]
    for handler in handlers:
        handler.load()
    return embedded_graph(handlers)


async def ask(local, *instances):
    body = json.dumps({"instances": instances}).encode()
    answer = await local.route(body)
    payload = json.loads(answer.body)
    if answer.status != 200:
        return answer.status, [payload]
    return answer.status, payload["predictions"]


async def seen(local, message=MESSAGE, **fields):
    status, [turn] = await ask(local, {"user_input": message, "language": "fr", **fields})
    degraded = [(entry["step"], entry["reason"]) for entry in turn.get("degraded", ())]
    return Seen(status, turn.get("response", ""), degraded), turn


async def test_without_a_fault_the_turn_lacks_nothing():
    found, turn = await seen(graph())
    assert found == Seen(200, FRENCH)
    assert "degraded" not in turn
    assert turn["history"] == [ENGLISH, ANSWER]


@pytest.mark.parametrize(
    ("fault", "response", "reason"),
    [
        ("fail", ANSWER, "engine"),
        ("crash", ANSWER, "engine"),
        ("hang", ANSWER, "deadline"),
        ("nothing", ANSWER, "quality"),
        ("loop", "word", "quality"),
        ("source again", ANSWER, "quality"),
    ],
)
async def test_an_answer_that_is_not_translated_stays_english_and_says_so(fault, response, reason):
    found, turn = await seen(graph("translate-en-fr", fault), history=["hi", "hello"])
    assert found == Seen(200, response, [("translate-en-fr", reason)])
    # The conversation goes on.
    assert turn["history"] == ["hi", "hello", ENGLISH, ANSWER]


@pytest.mark.parametrize(("fault", "status"), [("fail", 500), ("crash", 500), ("hang", 504)])
async def test_unless_the_operator_wants_an_error(fault, status):
    found, turn = await seen(graph("translate-en-fr", fault, degrades=False))
    assert found == Seen(status)
    assert "error" in turn


@pytest.mark.parametrize(("fault", "status"), [("fail", 500), ("crash", 500), ("hang", 504)])
@pytest.mark.parametrize("step", ["translate-fr-en", "chat"])
async def test_a_message_that_has_no_english_or_no_answer_for_a_fault_is_an_error(
    step, fault, status
):
    found, turn = await seen(graph(step, fault))
    assert found == Seen(status)
    assert "CUDA" not in turn["error"]


async def test_a_person_who_waits_a_second_is_answered_in_english_within_it():
    local = graph("translate-en-fr", "hang", request_timeout=55)
    async with asyncio.timeout(30):
        found, turn = await seen(local, timeout=1)
    assert found == Seen(200, ANSWER, [("translate-en-fr", "deadline")])
    assert turn["steps"][-1]["name"] == "chat"


async def test_a_translator_without_room_or_without_its_model_leaves_english():
    local = graph("translate-en-fr", "hang", request_timeout=55, max_inflight=1)
    held = asyncio.create_task(seen(local, timeout=2))
    engine = local.handlers["translate-en-fr"].predictor._engine
    while not engine.hanging:
        await asyncio.sleep(0)
    found, _ = await seen(local)
    assert found == Seen(200, ANSWER, [("translate-en-fr", "overloaded")])
    local.handlers["translate-en-fr"].loaded = False
    found, _ = await seen(local)
    assert found == Seen(200, ANSWER, [("translate-en-fr", "not-ready")])
    found, _ = await held
    assert found == Seen(200, ANSWER, [("translate-en-fr", "deadline")])


async def test_a_message_that_the_model_does_not_translate_has_no_answer_and_says_why():
    found, turn = await seen(graph("translate-fr-en", "nothing"), history=["hi", "hello"])
    assert found == Seen(200, "", [("translate-fr-en", "quality")])
    assert turn["user_input_en"] == turn["response_en"] == ""
    assert turn["history"] == ["hi", "hello"]
    assert [step["name"] for step in turn["steps"]] == ["detector", "translate-fr-en"]


@pytest.mark.parametrize(
    ("fault", "given"), [("loop", "word"), ("source again", "Où est la gare, s'il vous plaît?")]
)
async def test_a_poor_translation_of_a_message_is_answered_and_told(fault, given):
    found, turn = await seen(graph("translate-fr-en", fault))
    assert turn["user_input_en"] == given
    assert found.status == 200 and found.response
    assert found.degraded[0] == ("translate-fr-en", "quality")


@pytest.mark.parametrize("message", [MESSAGE, ENGLISH])
async def test_a_chat_that_says_nothing_is_a_turn_without_an_answer(message):
    language = "fr" if message == MESSAGE else "en"
    found, turn = await seen(
        graph("chat", "nothing"), message, language=language, history=["a", "b"]
    )
    assert found == Seen(200, "", [("chat", "no-answer")])
    assert turn["response_en"] == ""
    assert turn["history"] == ["a", "b"]
    assert turn["user_input_en"] == ENGLISH


async def test_a_history_that_does_not_fit_is_told_and_kept():
    history = ["word " * 50, "word " * 50] * 5
    found, turn = await seen(graph(), history=history)
    assert found == Seen(200, FRENCH, [("chat", "history-cut")])
    assert turn["history"] == [*history, ENGLISH, ANSWER]


@pytest.mark.parametrize(
    ("step", "fault"),
    [
        ("translate-fr-en", "nothing"),
        ("translate-fr-en", "loop"),
        ("translate-fr-en", "source again"),
        ("chat", "nothing"),
        ("translate-en-fr", "fail"),
        ("translate-en-fr", "nothing"),
        ("translate-en-fr", "loop"),
        ("translate-en-fr", "source again"),
    ],
)
async def test_one_bad_turn_of_a_batch_is_alone_in_it(step, fault):
    local = graph(step, fault)
    turns = [{"user_input": text, "language": "fr"} for text in (OTHER, MESSAGE, OTHER)]
    english = {"user_input": OTHER_ENGLISH, "language": "en"}
    status, [first, bad, last, plain] = await ask(local, *turns, english)
    assert status == 200
    for other in (first, last):
        assert (other["response"], other.get("degraded")) == (OTHER_FRENCH, None)
    assert (plain["response"], plain.get("degraded")) == (OTHER_ANSWER, None)
    assert bad["degraded"][0]["step"] == step

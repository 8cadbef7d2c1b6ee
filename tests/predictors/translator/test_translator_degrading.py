"""What a translator gives where it cannot translate: English that says so, or an error."""

from collections.abc import Callable
from typing import Any

import pytest

from graph import contract
from graph.contract import Instance
from graph.errors import EngineError, RequestError
from predictors.settings import OptionError
from predictors.translator.__main__ import build
from predictors.translator.model import Translator
from predictors.translator.pair import Pair, PairTranslator
from predictors.translator.prompting import PromptStrategy
from tests.failures import FAILURES
from tests.fakes import TO_ENGLISH, TO_FRENCH, broken
from tests.predictors.translator.fake import FakeEngine, FakeStrategy

NAME = "translate-en-fr"


def from_english(answer: Callable[[str], str], degrades: bool = True) -> Translator:
    pair = PairTranslator(TO_FRENCH, FakeStrategy(answer), degrades)
    return Translator(NAME, FakeEngine(), [pair])


def by_prompt(pair: Pair, answer: Callable[[str], str], degrades: bool = True) -> Translator:
    """A translator on a real strategy, whose model answers by a function."""
    engine = FakeEngine(answer, has_chat_template=True)
    strategy = PromptStrategy(engine, pair.source, pair.target, [], None)
    name = f"translate-{pair.source}-{pair.target}"
    return Translator(name, engine, [PairTranslator(pair, strategy, degrades)])


def turn(english: str, **fields: Any) -> Instance:
    return {"user_input": "salut", "language": "fr", "response_en": english, **fields}


def reasons(prediction: Instance) -> list[tuple[str, str]]:
    return [(entry["step"], entry["reason"]) for entry in prediction.get("degraded", ())]


@pytest.mark.parametrize("bad", range(5))
async def test_one_bad_text_stays_english_and_the_others_are_translated(bad: int, caplog) -> None:
    def answer(text: str) -> str:
        return broken(text) if text == f"text {bad}" else text.upper()

    turns = [turn(f"text {i}") for i in range(5)]
    predictions = await from_english(answer).predict(turns)
    for i, prediction in enumerate(predictions):
        failed = i == bad
        assert prediction["response"] == (f"text {i}" if failed else f"TEXT {i}")
        assert reasons(prediction) == ([(NAME, "engine")] if failed else [])
    contract.check_predictions(predictions)
    assert caplog.text.count("the engine is broken") == 1


@pytest.mark.parametrize(("error", "reason"), FAILURES)
def test_without_the_model_a_turn_keeps_its_english_and_says_why(error, reason) -> None:
    earlier = [{"step": "chat", "reason": "history-cut"}]
    italian = {"user_input": "ciao", "language": "it", "response_en": "hi"}
    turns = [turn("Hello."), turn("Bye.", degraded=earlier), italian]
    predictions = from_english(str.upper).degrade(turns, error)
    assert predictions == [
        turn("Hello.", response="Hello.", degraded=[{"step": NAME, "reason": reason}]),
        turn("Bye.", response="Bye.", degraded=[*earlier, {"step": NAME, "reason": reason}]),
        italian,
    ]


def test_without_the_model_a_wrong_request_is_still_wrong() -> None:
    with pytest.raises(RequestError, match=r"instances\[0\]\.response_en"):
        from_english(str.upper).degrade([{"user_input": "salut"}], EngineError("broken"))


async def test_english_is_not_made_up() -> None:
    model = Translator(
        "translate-fr-en", FakeEngine(), [PairTranslator(TO_ENGLISH, FakeStrategy(broken))]
    )
    turns: list[Instance] = [{"user_input": "salut", "language": "fr"}]
    assert model.degrade(turns, EngineError("broken")) is None
    with pytest.raises(EngineError, match="the engine is broken"):
        await model.predict(turns)
    other: list[Instance] = [{"user_input": "ciao", "language": "it"}]
    assert model.degrade(other, EngineError("broken")) == other


async def test_an_operator_may_want_an_error() -> None:
    model = from_english(broken, degrades=False)
    assert model.degrade([turn("Hello.")], EngineError("broken")) is None
    with pytest.raises(EngineError, match="the engine is broken"):
        await model.predict([turn("Hello.")])
    mute = by_prompt(TO_FRENCH, lambda text: "", degrades=False)
    with pytest.raises(EngineError, match="gave no translation of a sentence, twice"):
        await mute.predict([turn("Hello.")])


async def test_a_sentence_that_the_model_does_not_translate_stays_english_alone() -> None:
    model = by_prompt(TO_FRENCH, lambda text: "" if "cat" in text else "Il dort.")
    texts = ["He sleeps. The cat of https://a.org/x is here.", "He sleeps."]
    lost, whole = await model.predict([turn(text) for text in texts])
    assert lost["response"] == "Il dort. The cat of https://a.org/x is here."
    assert reasons(lost) == [(NAME, "quality")]
    assert (whole["response"], reasons(whole)) == ("Il dort.", [])


async def test_a_loop_is_cut_and_told() -> None:
    model = by_prompt(TO_FRENCH, lambda text: "le chat " * 30)
    [prediction] = await model.predict([turn("The cat is here.")])
    assert (prediction["response"], reasons(prediction)) == ("le chat", [(NAME, "quality")])


async def test_a_message_of_which_there_is_no_english_is_empty_and_told() -> None:
    model = by_prompt(TO_ENGLISH, lambda text: "" if "chat" in text else "He sleeps.")
    texts = ["Le chat est là ! 😀", "Il dort. Le chat est là.", "Il dort."]
    lost, half, whole = await model.predict(
        [{"user_input": text, "language": "fr"} for text in texts]
    )
    told = [("translate-fr-en", "quality")]
    assert (lost["user_input_en"], reasons(lost)) == ("", told)
    assert (half["user_input_en"].strip(), reasons(half)) == ("He sleeps.", told)
    assert (whole["user_input_en"], reasons(whole)) == ("He sleeps.", [])
    contract.check_predictions([lost, half, whole])


async def test_what_an_earlier_step_had_nothing_for_is_passed_on() -> None:
    mute = [{"step": "chat", "reason": "no-answer"}]
    model = from_english(str.upper)
    lost, other = await model.predict([turn("", degraded=mute), turn("Hello.")])
    assert lost == turn("", response="", degraded=mute)
    assert other["response"] == "HELLO."
    with pytest.raises(RequestError, match=r"instances\[0\]\.response_en: missing or blank"):
        await model.predict([turn("")])


OPTIONS = ("--model_name=t", "--model=openai:m@http://127.0.0.1:9")


@pytest.mark.parametrize(
    ("languages", "option", "degrades"),
    [
        ("en-fr", [], [True]),
        ("en-fr", ["--on_failure=degrade"], [True]),
        ("en-fr", ["--on_failure=fail"], [False]),
        ("fr-en", [], [False]),
        ("fr-en", ["--on_failure=fail"], [False]),
    ],
)
def test_the_option_decides_and_english_degrades_by_default(languages, option, degrades) -> None:
    source, target = languages.split("-")
    model, _ = build([*OPTIONS, f"--source={source}", f"--target={target}", *option], {})
    assert [pair.degrades for pair in model._translators] == degrades


def test_of_both_directions_the_one_from_english_degrades() -> None:
    both = [*OPTIONS, "--source=fr", "--target=en", "--directions=both", "--on_failure=degrade"]
    model, _ = build(both, {})
    assert {p.pair.source: p.degrades for p in model._translators} == {"fr": False, "en": True}


def test_a_translator_to_english_cannot_be_asked_to_degrade() -> None:
    with pytest.raises(OptionError, match="--on_failure=degrade: it translates to English only"):
        build([*OPTIONS, "--source=fr", "--target=en", "--on_failure=degrade"], {})

"""One translator for several languages: which pair an instance is for, and what goes together."""

from dataclasses import replace

import pytest

from graph.contract import Instance
from graph.errors import ModelError, RequestError
from predictors.engine import EngineInfo
from predictors.translator.model import Translator
from predictors.translator.options import pairs_of
from predictors.translator.pair import PairTranslator
from predictors.translator.seq2seq import Seq2SeqStrategy
from tests.fakes import Words
from tests.predictors.translator.fake import FakeEngine

TO_ENGLISH = pairs_of("fr,it,es", "en")
FROM_ENGLISH = pairs_of("en", "fr,it,es")
M2M100 = EngineInfo("m2m100", 512, is_encoder_decoder=True, languages=("en", "es", "fr", "it"))


def translator(*pairs) -> Translator:
    return Translator(
        "t", FakeEngine(), [PairTranslator(p, Words(f"{p.source}-{p.target}:")) for p in pairs]
    )


async def test_each_instance_is_translated_from_its_own_language_in_one_request() -> None:
    batch: list[Instance] = [
        {"user_input": "ciao", "language": "it"},
        {"user_input": "salut", "language": "fr"},
        {"user_input": "hola", "language": "es"},
        {"user_input": "addio", "language": "it"},
    ]
    predictions = await translator(*TO_ENGLISH).predict(batch)
    found = [p["user_input_en"] for p in predictions]
    assert found == ["it-en:ciao", "fr-en:salut", "es-en:hola", "it-en:addio"]
    assert [len(p["steps"]) for p in predictions] == [1, 1, 1, 1]


async def test_each_answer_is_translated_into_its_own_language() -> None:
    batch: list[Instance] = [
        {"user_input": "ciao", "response_en": "hi", "language": "it"},
        {"user_input": "hola", "response_en": "hi", "language": "es"},
    ]
    predictions = await translator(*FROM_ENGLISH).predict(batch)
    assert [p["response"] for p in predictions] == ["en-it:hi", "en-es:hi"]


@pytest.mark.parametrize("language", ["de", "en"])
async def test_a_language_that_is_not_served_is_left_alone(language: str) -> None:
    instance: Instance = {"user_input": "hallo", "response_en": "hi", "language": language}
    both = translator(*TO_ENGLISH, *FROM_ENGLISH)
    assert await both.predict([dict(instance)]) == [instance]


async def test_both_directions_are_told_by_the_answer_that_is_there_or_not() -> None:
    both = translator(*TO_ENGLISH, *FROM_ENGLISH)
    turn: Instance = {"user_input": "ciao", "language": "it"}
    [asked] = await both.predict([turn])
    assert (asked["user_input_en"], "response" in asked) == ("it-en:ciao", False)
    [answered] = await both.predict([{**asked, "response_en": "hi"}])
    assert (answered["user_input_en"], answered["response"]) == ("it-en:ciao", "en-it:hi")
    assert len(answered["steps"]) == 2


async def test_both_directions_may_stand_in_one_request() -> None:
    both = translator(*TO_ENGLISH, *FROM_ENGLISH)
    batch: list[Instance] = [
        {"user_input": "ciao", "response_en": "hi", "language": "it"},
        {"user_input": "ciao", "language": "it"},
    ]
    answered, asked = await both.predict(batch)
    assert (answered["response"], asked["user_input_en"]) == ("en-it:hi", "it-en:ciao")
    assert "user_input_en" not in answered and "response" not in asked


async def test_a_turn_that_the_chat_had_no_answer_for_is_not_translated_a_second_time() -> None:
    both = translator(*TO_ENGLISH, *FROM_ENGLISH)
    degraded = [{"step": "chat", "reason": "no-answer"}]
    turn: Instance = {
        "user_input": "ciao",
        "user_input_en": "hi",
        "response_en": "",
        "language": "it",
        "degraded": degraded,
    }
    assert await both.predict([dict(turn)]) == [{**turn, "response": ""}]


async def test_an_instance_without_a_language_is_refused_where_several_are_served() -> None:
    batch: list[Instance] = [{"user_input": "ciao", "language": "it"}, {"user_input": "hola"}]
    wanted = r"instances\[1\]\.language: missing; this translator serves fr, it, es"
    with pytest.raises(RequestError, match=wanted):
        await translator(*TO_ENGLISH).predict(batch)


async def test_an_instance_without_a_language_is_taken_in_both_directions_of_one() -> None:
    both = translator(*pairs_of("fr", "en"), *pairs_of("en", "fr"))
    [asked] = await both.predict([{"user_input": "salut"}])
    assert asked["user_input_en"] == "fr-en:salut"


def many(languages: tuple[str, ...]) -> Translator:
    engine = FakeEngine()
    engine.info = replace(M2M100, languages=languages)
    pairs = [*TO_ENGLISH, *FROM_ENGLISH]
    return Translator(
        "t",
        engine,
        [PairTranslator(p, Seq2SeqStrategy(engine, p.source, p.target, None)) for p in pairs],
    )


def test_a_model_that_has_all_languages_is_loaded() -> None:
    many(M2M100.languages).load()


def test_a_model_that_lacks_one_language_is_refused() -> None:
    with pytest.raises(ModelError) as refused:
        many(("en", "fr", "it")).load()
    assert str(refused.value) == "m2m100: has no language es; it has en, fr, it"


def test_a_model_that_lacks_several_languages_is_refused_in_one_line_that_names_them() -> None:
    with pytest.raises(ModelError) as refused:
        many(("en", "fr")).load()
    wanted = "m2m100: has no language it; it has en, fr; nor can it serve es"
    assert str(refused.value) == wanted

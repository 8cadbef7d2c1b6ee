"""Engines without languages refuse a prompt that names them, before anything is asked."""

from pathlib import Path

import pytest

from graph.errors import EngineError
from predictors.checkpoints.languages import LANGUAGE, Languages, fitting
from predictors.engine import GREEDY, Message, Translation, without_languages
from predictors.engines.llamacpp import LlamaCpp
from predictors.engines.openai import OpenAI

TOLD = Translation("Bonjour.", "fr", "en")
MANY = Languages({"fr": "__fr__", "en": "__en__"}, (LANGUAGE,), ("</s>",))


@pytest.mark.parametrize(
    "engine", [LlamaCpp(Path("x.gguf"), "plain", threads=1), OpenAI("http://localhost/v1", "plain")]
)
async def test_an_engine_of_plain_models_refuses_a_translation(engine):
    for ask in (engine.count_tokens(TOLD), engine.generate([TOLD], GREEDY)):
        with pytest.raises(EngineError, match="plain: is told no languages"):
            await ask


def test_a_text_and_messages_are_left_alone():
    assert without_languages("Hi", "m") == "Hi"
    chat = (Message("user", "Hi"),)
    assert without_languages(chat, "m") == chat


def test_a_source_is_framed_as_the_checkpoint_says():
    assert MANY.source(TOLD, ["Bonjour", "."]) == ["__fr__", "Bonjour", ".", "</s>"]
    legacy = Languages(MANY.tokens, (), ("</s>", LANGUAGE))
    assert legacy.source(TOLD, ["Bonjour"]) == ["Bonjour", "</s>", "__fr__"]


def test_an_unknown_language_is_named_with_those_that_are_there():
    with pytest.raises(EngineError, match="language it: the model has en, fr"):
        MANY.source(Translation("Ciao.", "it", "en"), [])


def test_a_prompt_must_fit_the_kind_of_model():
    assert fitting("Hi", None, "m") == "Hi"
    assert fitting(TOLD, MANY, "m") == TOLD
    with pytest.raises(EngineError, match="m: must be told from which language into which"):
        fitting("Hi", MANY, "m")
    with pytest.raises(EngineError, match="m: is told no languages"):
        fitting(TOLD, None, "m")
    with pytest.raises(EngineError, match="m: takes a text, not messages"):
        fitting((Message("user", "Hi"),), MANY, "m")

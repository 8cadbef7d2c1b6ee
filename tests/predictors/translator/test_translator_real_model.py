"""The embedded model translates: floors far below what was measured, to see a broken prompt."""

import os
from collections.abc import Iterator

import pytest

from predictors.engine import Engine
from predictors.engines.factory import choose_engine
from predictors.settings import read_settings
from predictors.translator.__main__ import PROG, TranslatorSettings, choose_strategy
from predictors.translator.model import Translator
from predictors.translator.pair import Pair, PairTranslator
from predictors.translator.quality import Judge
from tests.predictors.translator.sentences import chrf, load_sentences

# One event loop for the module: the engine keeps its connections, and those belong to a loop.
pytestmark = [pytest.mark.models, pytest.mark.asyncio(loop_scope="module")]
SENTENCES = 6


def arguments(source: str, target: str) -> list[str]:
    return [
        *("--model_name", f"translate-{source}-{target}", "--model", "embedded:gemma3-270m"),
        *("--source", source, "--target", target, "--parallel", "1"),
    ]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    settings = read_settings(TranslatorSettings, arguments("fr", "en"), os.environ, PROG, "")
    engine = choose_engine(settings, os.environ, context=1024)
    engine.load()
    yield engine
    engine.close()


def translator(engine: Engine, source: str, target: str) -> PairTranslator:
    settings = read_settings(TranslatorSettings, arguments(source, target), {}, PROG, "")
    pair = Pair(source, target, "user_input", "response")
    return PairTranslator(pair, choose_strategy(settings, engine, pair, Judge(target)))


@pytest.mark.parametrize(("source", "target", "floor"), [("en", "fr", 30), ("fr", "en", 45)])
async def test_everyday_sentences_are_translated(
    engine: Engine, source: str, target: str, floor: float
) -> None:
    sentences = load_sentences(source, target)[:SENTENCES]
    translations = await translator(engine, source, target).translate(
        [sentence.source for sentence in sentences]
    )
    assert chrf([each.text for each in translations], sentences) > floor, translations


async def test_a_message_keeps_its_lines_emoji_and_addresses(engine: Engine) -> None:
    text = "Bonjour ! 😀\n\n- Le musée est fermé, voir https://a.org/x?y=1\n```\nx = un\n```\n12 €"
    model = Translator("t", engine, [translator(engine, "fr", "en")])
    [prediction] = await model.predict([{"user_input": text}])
    lines = prediction["response"].split("\n")
    assert len(lines) == 7
    assert lines[0].endswith(" 😀") and lines[1] == ""
    assert lines[2].startswith("- ") and "https://a.org/x?y=1" in lines[2]
    assert "museum" in lines[2]
    assert lines[3:] == ["```", "x = un", "```", "12 €"]


async def test_the_same_text_has_the_same_translation(engine: Engine) -> None:
    english = translator(engine, "fr", "en")
    text = "Où est la gare, s'il vous plaît ?"
    assert await english.translate([text]) == await english.translate([text])

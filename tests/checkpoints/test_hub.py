"""The true checkpoints that the manifests name, on real sentences.

They need a model hub, or a model cache that holds them (`PARLEY_MODELS`); without either the test
is skipped, by name.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from graph.errors import ModelError
from predictors.chat.prompt import BlenderbotPrompt, Said
from predictors.conversion.convert import convert
from predictors.engine import Sampling
from predictors.engines.ctranslate2 import CTranslate2
from predictors.models.pull import pull
from predictors.models.resolve import resolve
from predictors.translator.prompts import Command

MANIFESTS = Path(__file__).parents[2] / "manifests"
FLAN = "overlays/translator-flan-t5/translate-en-it"


def model_of(manifest: str) -> str:
    """The model that a file of manifests/ names."""
    [model] = re.findall(r"--model=(\S+)", (MANIFESTS / f"{manifest}.yaml").read_text())
    return str(model)


@pytest.fixture
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> CTranslate2:
    model = model_of(request.param)
    cache = os.environ.get("PARLEY_MODELS", "")
    try:
        path = resolve(model, cache, engine="ctranslate2").path
    except ModelError:
        cache = cache or str(tmp_path)
        try:
            pull(model, cache)
        except ModelError as err:
            pytest.skip(f"no model hub and no copy in PARLEY_MODELS: {err}")
        path = convert(model, cache)
    engine = CTranslate2(path, model, threads=2)
    engine.load()
    return engine


@pytest.mark.hub
@pytest.mark.parametrize("engine", ["base/translate-fr-en"], indirect=True)
async def test_opus_mt_translates_french(engine: CTranslate2) -> None:
    answers = await engine.generate(
        ["Bonjour tout le monde.", "Où est la gare la plus proche ?"], Sampling()
    )
    assert "hello" in answers[0].lower()
    assert "station" in answers[1].lower()


@pytest.mark.hub
@pytest.mark.parametrize("engine", ["base/translate-en-fr"], indirect=True)
async def test_t5_translates_to_french_by_its_task(engine: CTranslate2) -> None:
    prefix = engine.info.tasks["translation_en_to_fr"]
    [answer] = await engine.generate([f"{prefix}The house is wonderful."], Sampling())
    assert "maison" in answer.lower()


@pytest.mark.hub
@pytest.mark.parametrize("engine", ["base/chat"], indirect=True)
async def test_blenderbot_answers_a_conversation(engine: CTranslate2) -> None:
    history = ["Hello!", "Hi! How are you today?"]
    fitted = await BlenderbotPrompt().prompt(
        engine, Said(history, "I have a dog. Do you like dogs?"), 60
    )
    [answer] = await engine.generate([fitted.prompt], Sampling())
    assert "dog" in answer.lower()
    assert len(answer.split()) > 5


@pytest.mark.hub
@pytest.mark.parametrize("engine", [FLAN], indirect=True)
async def test_flan_t5_translates_to_french_when_told_in_words(engine: CTranslate2) -> None:
    prompt = Command("en", "fr").prompt("Where is the house?")
    [answer] = await engine.generate([prompt], Sampling(temperature=0.0, max_tokens=40))
    assert "maison" in answer.lower()

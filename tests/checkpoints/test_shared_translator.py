"""One translator of many languages in one process: alone, and in the graph that the chart makes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ctranslate2
import httpx2
import pytest

from predictors.checkpoints.tokens import load_tokens
from predictors.engine import Prompt, Sampling
from predictors.engines.ctranslate2_encoder_decoder import EncoderDecoder
from predictors.engines.factory import choose_engine
from predictors.models.manifest import read_description
from predictors.settings import ModelSettings
from predictors.sharing import Shared
from tests.checkpoints import toy
from tests.deploy.chart import Chart
from tests.deploy.serving import serving
from tests.tools import binaries

Maker = Callable[[str], Path]
LANGUAGES = ("de", "es", "fr")
# By the number of services, those of a turn after the detector.
WAYS = {
    1: ["parley-translate", "parley-chat", "parley-translate"],
    2: ["parley-translate-many-en", "parley-chat", "parley-translate-en-many"],
}


@pytest.mark.parametrize("family", sorted(toy.CODES))
def test_sentences_into_different_languages_share_a_batch_and_keep_their_own(
    family: str, trained: Maker, converted: Callable[..., Path]
) -> None:
    folder = converted(trained(family))
    translator = ctranslate2.Translator(str(folder), device="cpu")
    model = EncoderDecoder(translator, load_tokens(folder), read_description(folder), family)
    prompts = [prompt for prompt, _ in toy.translations(family, 16, seed=7)]
    assert len({(prompt.source, prompt.target) for prompt in prompts}) == 4
    keys, jobs = zip(*(model.prepare(p, Sampling()) for p in prompts), strict=True)
    assert len(set(keys)) == 1
    together = model.run(keys[0], list(jobs))
    assert together == [model.run(keys[0], [job])[0] for job in jobs]


@pytest.mark.parametrize("engine", ["ctranslate2", "openvino"])
async def test_two_that_share_a_model_have_the_answers_of_one_that_has_its_own(
    engine: str, trained: Maker, converted: Callable[..., Path]
) -> None:
    """They hold it once, batch together, and the one that is closed first takes nothing away."""
    folder = converted(trained("m2m100"))
    settings = ModelSettings(model_name="m", model=str(folder), engine=engine, device="cpu")
    prompts: list[Prompt] = [prompt for prompt, _ in toy.translations("m2m100", 12, seed=3)]
    alone = choose_engine(settings, os.environ)
    shared = Shared()
    first, second = (choose_engine(settings, os.environ, shared=shared) for _ in range(2))
    for each in (alone, first, second):
        each.load()
    expected = await alone.generate(prompts, Sampling())
    assert len(set(expected)) > 6
    found = await asyncio.gather(*(each.generate(prompts, Sampling()) for each in (first, second)))
    assert found == [expected, expected]
    first.close()
    assert await second.generate(prompts[:1], Sampling()) == expected[:1]
    for each in (second, alone):
        each.close()


@pytest.fixture(scope="module", params=sorted(WAYS))
def served(
    request: pytest.FixtureRequest, trained: Maker, converted: Callable[..., Path]
) -> Iterator[tuple[int, str]]:
    """The chart's graph with a shared translator, in one service or two; their number, its URL."""
    chart = Chart(binaries.build(["helm"], os.environ)["helm"])
    values: dict[str, Any] = {
        "sharedTranslator": {
            "model": str(converted(trained("m2m100"))),
            "services": request.param,
        },
        "chat": {"model": str(converted(trained("blenderbot")))},
        "languages": dict.fromkeys(LANGUAGES, {}),
    }
    with serving(chart.text("cpu", values=values), {}) as url:
        yield request.param, url


def post(url: str, *instances: dict[str, Any]) -> list[dict[str, Any]]:
    answer = httpx2.post(url, json={"instances": list(instances)}, timeout=120)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["predictions"])


def way_of(prediction: dict[str, Any]) -> list[str]:
    return [step["name"] for step in prediction["steps"]][1:]


def test_each_language_goes_to_english_and_back_by_the_one_translator(
    served: tuple[int, str],
) -> None:
    services, url = served
    for language in LANGUAGES:
        [turn] = post(url, {"user_input": "bavo ceti.", "language": language})
        assert turn["route"] == language and way_of(turn) == WAYS[services]
        assert turn["user_input_en"] and turn["response_en"] and turn["response"]


def test_a_batch_of_all_languages_is_answered_each_in_its_own(served: tuple[int, str]) -> None:
    services, url = served
    codes = (*LANGUAGES, "en")
    turns = post(url, *({"user_input": "bavo ceti.", "language": code} for code in codes))
    for code, turn in zip(codes, turns, strict=True):
        assert turn["route"] == "mixed"
        assert way_of(turn) == (["parley-chat"] if code == "en" else WAYS[services])
    answers = {turn["language"]: turn["response"] for turn in turns}
    alone = {
        code: post(url, {"user_input": "bavo ceti.", "language": code})[0]["response"]
        for code in codes
    }
    assert answers == alone


def test_one_request_is_translated_into_several_languages(served: tuple[int, str]) -> None:
    services, url = served
    pairs = toy.translations("m2m100", 40, seed=6)
    found = post(
        f"{url.rstrip('/')}/v1/models/{WAYS[services][2]}:predict",
        *({"user_input": "x", "language": p.target, "response_en": p.text} for p, _ in pairs),
    )
    right = sum(turn["response"] == text for turn, (_, text) in zip(found, pairs, strict=True))
    assert right >= 0.8 * len(pairs)
    assert {turn["language"] for turn in found} == {"fr", "de"}


def test_an_instance_without_a_language_is_refused_by_name(served: tuple[int, str]) -> None:
    services, url = served
    answer = httpx2.post(
        f"{url.rstrip('/')}/v1/models/{WAYS[services][0]}:predict",
        json={"instances": [{"user_input": "bavo ceti."}]},
        timeout=60,
    )
    assert answer.status_code == 400
    assert "instances[0].language: missing; this translator serves de, es, fr" in answer.text

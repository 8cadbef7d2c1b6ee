"""OpenVINO gives what transformers gives, for every family: greedily, with beams, with rules."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import openvino
import pytest
from openvino import opset13

from predictors.checkpoints.tokens import load_tokens
from predictors.engine import Prompt, Sampling, Translation
from predictors.engines import openvino_network
from predictors.engines.openvino import OpenVINO
from predictors.engines.openvino_graph import best_words, group_size
from predictors.models.manifest import read_description
from tests.checkpoints import making, training
from tests.checkpoints.reference import Fast, Reference
from tests.checkpoints.test_parity import INPUTS, texts_of, vocabulary

Maker = Callable[[str], Path]
Converted = Callable[..., Path]


class Tokens:
    """The engine without what makes texts of tokens, a prompt at a time."""

    def __init__(self, folder: Path, **settings: object) -> None:
        description = read_description(folder)
        description.generation.update(settings)  # type: ignore[attr-defined]
        engine = OpenVINO(folder, "m", threads=1)
        opened = engine.open(description, load_tokens(folder))
        self.model, self.batcher = opened.model, opened.batcher

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> list[list[str]]:
        """Tokens without the end token."""
        jobs = [self.model.prepare(prompt, sampling) for prompt in prompts]

        async def ask() -> list[list[str]]:
            rows = [row for job in jobs for row in await self.batcher.submit([job])]
            # The last call ends after its answer.
            await asyncio.gather(*self.batcher._running)
            return rows

        return [[token for token in row if token != "</s>"] for row in asyncio.run(ask())]


def in_transformers(source: Path, folder: Path, texts: Sequence[Prompt], **more: object):
    names = vocabulary(folder)
    reference = Reference(source)
    settings = {**training.task_settings(source.name, reference.model), **more}
    rows = reference.generate(texts, **settings)
    # The engine leaves out the token of the target's language, which an answer begins with.
    begin = [int(isinstance(text, Translation)) for text in texts]
    return [[names[i] for i in row[first:]] for first, row in zip(begin, rows, strict=True)]


@pytest.mark.parametrize("family", making.FAMILIES)
def test_greedy_tokens_are_identical(
    family: str, checkpoint: Maker, trained: Maker, converted: Converted
) -> None:
    texts = texts_of(family)
    answers = set()
    for source in (checkpoint(family), trained(family)):
        folder = converted(source)
        expected = in_transformers(source, folder, texts, num_beams=1)
        found = Tokens(folder).generate(texts, Sampling(num_beams=1))
        assert found == expected
        answers |= {tuple(row) for row in found}
    assert len(answers) > INPUTS // 2, "answers that hardly differ prove little"


@pytest.mark.parametrize("family", making.FAMILIES)
def test_beams_find_the_same(family: str, trained: Maker, converted: Converted) -> None:
    source = trained(family)
    folder = converted(source)
    texts = texts_of(family)
    # The settings of some have one beam.
    more, sampling = {}, Sampling()
    if family in ("flan-t5", "mt5", "nllb"):
        more, sampling = {"num_beams": 4}, Sampling(num_beams=4)
    expected = in_transformers(source, folder, texts, **more)
    found = Tokens(folder).generate(texts, sampling)
    same = sum(a == b for a, b in zip(found, expected, strict=True))
    print(f"{family}: same {same}/{len(texts)}")
    assert same >= 0.99 * len(texts)


@pytest.mark.parametrize(("words", "size"), [(59520, 61), (64, 2), (30, 1)])
def test_the_best_words_are_found_in_groups(words: int, size: int) -> None:
    """Of as many as opus-mt-fr-en has, and of hardly more words than are ranked."""
    assert group_size(words, 16) == size
    groups = words // size
    logits = opset13.parameter([-1, groups * size], np.float32)
    results = [opset13.result(each) for each in best_words(logits, groups, size, 16)]
    model = openvino.Core().compile_model(openvino.Model(results, [logits], "best"), "CPU")
    count = 3 * groups * size
    values = np.random.default_rng(1).permutation(count).reshape(3, -1).astype(np.float32)
    best, tokens = (model([values])[i] for i in range(2))
    assert (tokens == np.argsort(-values, 1)[:, :16]).all()
    assert (best == np.take_along_axis(values, tokens, 1)).all()


# The mean loss of log-probability a token that int8 weights may cost: about four times the most
# that was measured (MT5, on CTranslate2).
INT8_BOUND = 0.004


@pytest.mark.parametrize("family", making.FAMILIES)
def test_int8_costs_about_what_it_costs_on_ctranslate2(
    family: str, trained: Maker, converted: Converted
) -> None:
    """By float32's own judgement of each engine's greedy answers."""
    source = trained(family)
    exact, small = converted(source), converted(source, "int8")
    ids = {name: i for i, name in reversed(list(enumerate(vocabulary(exact))))}
    reference, texts, greedy = Reference(source), texts_of(family, 50), Sampling(num_beams=1)
    best = Fast(exact).generate(texts, greedy)
    # A translation begins with the token of its language, which the engine leaves out.
    begun = [int(isinstance(text, Translation)) for text in texts]
    rows = zip(begun, best, Tokens(small).generate(texts, greedy), strict=True)
    found = {
        "CTranslate2": Fast(small).generate(texts, greedy),
        "OpenVINO": [[*exactly[:first], *row] for first, exactly, row in rows],
    }

    def score(text: Prompt, row: list[str]) -> float:
        return reference.score(text, [ids[token] for token in row], False, 1.0)

    losses = {}
    for engine, answers in found.items():
        pairs = [each for each in zip(texts, best, answers, strict=True) if each[1] != each[2]]
        lost = sum(score(text, exactly) - score(text, row) for text, exactly, row in pairs)
        losses[engine] = lost / len(texts)
        print(f"{family}, {engine}: {len(texts) - len(pairs)} the same, {losses[engine]:.5f} lost")
    assert losses["OpenVINO"] <= max(INT8_BOUND, 2 * losses["CTranslate2"])


def test_memory_is_given_back_and_answers_stay(trained: Maker, converted: Converted) -> None:
    """Also while a call is at work, which then keeps what it writes on."""
    folder = converted(trained("marian"))
    texts = texts_of("marian", 20)
    engine = OpenVINO(folder, "m", threads=1)
    opened = engine.open(read_description(folder), load_tokens(folder))
    assert opened.give_back == opened.model.give_back  # type: ignore[attr-defined]
    tokens = Tokens(folder)
    model: Any = tokens.model
    before = tokens.generate(texts, Sampling())
    [held] = model._take_free()
    model.give_back()
    assert model._take_free() == []
    model._free.put(held)
    model.give_back()
    [anew] = model._take_free()
    assert anew is not held
    model._free.put(anew)
    assert tokens.generate(texts, Sampling()) == before


@pytest.mark.parametrize("beams", [1, 4])
@pytest.mark.parametrize("family", making.FAMILIES)
def test_texts_that_join_others_are_answered_as_if_they_were_alone(
    family: str,
    beams: int,
    trained: Maker,
    converted: Converted,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever the others have written by then, and whoever has left."""
    monkeypatch.setattr(openvino_network, "FORGOTTEN", 4)
    tokens = Tokens(converted(trained(family)))
    model: Any = tokens.model
    jobs = [model.prepare(text, Sampling(num_beams=beams)) for text in texts_of(family, 24)]
    key = jobs[0][0]
    sources = {i: job for i, (other, job) in enumerate(jobs) if other == key}
    writing = model._begun()
    alone = [model._search(writing, key).run([source])[0] for source in sources.values()]
    found: dict[int, list[int]] = {}
    dice, waiting = random.Random(7), list(sources)
    search = model._search(writing, key)
    while waiting or search.numbers:
        come = dice.choice([0, 0, 0, 1, 3]) if search.numbers else 1
        found |= search.add({i: sources[i] for i in waiting[:come]})
        del waiting[:come]
        found |= search.step() if search.numbers else {}
    same = sum(answer == found[i] for i, answer in zip(sources, alone, strict=True))
    print(f"{family}, {beams} beams: same {same}/{len(sources)}")
    assert same >= 0.95 * len(sources)

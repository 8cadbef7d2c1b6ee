"""CTranslate2 gives what transformers gives, for every family."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from predictors.engine import Prompt, Sampling
from tests.checkpoints import making, training
from tests.checkpoints.reference import Fast, Reference
from tests.checkpoints.toy import pairs_of

Maker = Callable[[str], Path]
INPUTS = 200


def texts_of(family: str, count: int = INPUTS) -> list[Prompt]:
    return [source for source, _ in pairs_of(family, count, seed=99)]


def vocabulary(folder: Path) -> list[str]:
    return list(json.loads((folder / "shared_vocabulary.json").read_text()))


@pytest.mark.parametrize("family", making.FAMILIES)
def test_greedy_tokens_are_identical(
    family: str, checkpoint: Maker, trained: Maker, converted: Callable[..., Path]
) -> None:
    texts = texts_of(family)
    answers = set()
    for source in (checkpoint(family), trained(family)):
        folder = converted(source)
        names = vocabulary(folder)
        reference = Reference(source)
        settings = {**training.task_settings(family, reference.model), "num_beams": 1}
        expected = reference.generate(texts, **settings)
        found = Fast(folder).generate(texts, Sampling(num_beams=1))
        assert found == [[names[token] for token in row] for row in expected]
        answers |= {tuple(row) for row in found}
    assert len(answers) > INPUTS // 2, "answers that hardly differ prove little"


@pytest.mark.parametrize("family", making.FAMILIES)
def test_beams_find_the_same_or_as_good(
    family: str, trained: Maker, converted: Callable[..., Path]
) -> None:
    source = trained(family)
    folder = converted(source)
    names = vocabulary(folder)
    ids = {name: i for i, name in reversed(list(enumerate(names)))}
    texts = texts_of(family)
    reference = Reference(source)
    settings = training.task_settings(family, reference.model)
    sampling = Sampling()
    if family in ("flan-t5", "mt5", "nllb"):
        # Their own settings have one beam.
        settings["num_beams"] = 4
        sampling = Sampling(num_beams=4)
    expected = reference.generate(texts, **settings)
    found = [[ids[token] for token in row] for row in Fast(folder).generate(texts, sampling)]
    same = sum(a == b for a, b in zip(found, expected, strict=True))
    config = reference.model.generation_config
    penalty = float(settings.get("length_penalty") or config.length_penalty or 1.0)
    longest = int(settings.get("max_length") or config.max_length or 20)
    forced = config.forced_eos_token_id is not None

    def score(text: Prompt, row: list[int]) -> float:
        return reference.score(text, row, forced and len(row) == longest - 2, penalty)

    good = 0
    for text, ours, theirs in zip(texts, found, expected, strict=True):
        best = score(text, theirs)
        good += ours == theirs or score(text, ours) >= best - 0.01 * abs(best)
    print(f"{family}: same {same}/{len(texts)}, as good {good}/{len(texts)}")
    assert same >= 0.95 * len(texts)
    assert good >= 0.99 * len(texts)


# The mean loss of log-probability a token, by family, that int8 weights may cost: about four times
# what is measured, so that a scale gone wrong is seen and rounding is not.
INT8_BOUND = 0.05


@pytest.mark.parametrize("family", making.FAMILIES)
def test_int8_scores_stay_close(
    family: str, trained: Maker, converted: Callable[..., Path]
) -> None:
    source = trained(family)
    texts = texts_of(family, 50)
    exact = Fast(converted(source))
    small = Fast(converted(source, "int8"))
    answers = exact.generate(texts, Sampling(num_beams=1))
    sources = [exact.source(text) for text in texts]

    def scores(model: Fast) -> list[float]:
        results = model.translator.score_batch(sources, answers)
        return [sum(r.log_probs) / max(1, len(r.log_probs)) for r in results]

    losses = [abs(a - b) for a, b in zip(scores(exact), scores(small), strict=True)]
    print(f"{family}: mean {sum(losses) / len(losses):.4f}, worst {max(losses):.4f}")
    assert 0 < sum(losses) / len(losses) < INT8_BOUND

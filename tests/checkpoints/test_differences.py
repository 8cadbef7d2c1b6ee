"""What CTranslate2 does otherwise than transformers, each shown where it does, and only so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from predictors.engine import Sampling
from predictors.engines.ctranslate2 import CTranslate2
from tests.checkpoints import toy
from tests.checkpoints.reference import Fast, Reference
from tests.checkpoints.test_parity import vocabulary

Maker = Callable[[str], Path]
Converted = Callable[..., Path]


def test_beams_in_which_a_token_was_forbidden_rank_as_if_renormalised(
    trained: Maker, converted: Converted
) -> None:
    """Sentences that say a word twice, which a setting forbids."""
    source = trained("marian")
    folder = converted(source)
    names = vocabulary(folder)
    texts = [text for text, _ in toy.sentences(60, seed=21, least=4, most=6)]
    reference, fast = Reference(source), Fast(folder)

    def by_transformers(**settings: object) -> list[list[str]]:
        rows = reference.generate(texts, **settings)
        return [[names[token] for token in row] for row in rows]

    assert fast.generate(texts, Sampling()) == by_transformers()
    fast.set_generation(no_repeat_ngram_size=1)
    found = fast.generate(texts, Sampling())
    plain = by_transformers(no_repeat_ngram_size=1)
    renormalised = by_transformers(no_repeat_ngram_size=1, renormalize_logits=True)
    assert sum(a != b for a, b in zip(found, plain, strict=True)) >= 5
    assert sum(a == b for a, b in zip(found, renormalised, strict=True)) >= 59


def echoing(fast: Fast, messages: list[str]) -> list[str]:
    """Conversations in which the last turn is how the model would begin its answer."""
    prompts = []
    for message, answer in zip(messages, fast.generate(messages, Sampling()), strict=True):
        begun = fast.tokens.decode(answer[:2])
        prompts.append(f"{message}</s><s>{begun}")
    return prompts


@pytest.mark.parametrize("beams", [1, 10])
async def test_an_answer_does_not_begin_as_a_turn_of_the_source_does(
    beams: int, trained: Maker, converted: Converted
) -> None:
    """`<s> a b` in the source: only in transformers does the start token begin an n-gram."""
    source, folder = trained("blenderbot"), converted(trained("blenderbot"))
    messages = [message for message, _ in toy.conversations(30, seed=5)]
    fast, slow = Fast(folder), Reference(source)
    names = vocabulary(folder)
    prompts = echoing(fast, messages)
    unfixed = fast.generate(prompts, Sampling(num_beams=beams))
    # So that what is forbidden is the only difference: see the test above.
    rows = slow.generate(prompts, num_beams=beams, renormalize_logits=True)
    theirs = [[names[i] for i in row] for row in rows]
    starts = [tuple(fast.source(prompt)[-3:-1]) for prompt in prompts]
    repeats = [i for i, row in enumerate(unfixed) if tuple(row[:2]) == starts[i]]
    assert len(repeats) >= 5, "too few to show the difference"
    assert not any(tuple(theirs[i][:2]) == starts[i] for i in repeats)
    engine = CTranslate2(folder, "b", threads=1, device="cpu")
    engine.load()
    found = await engine.generate([prompts[i] for i in repeats], Sampling(num_beams=beams))
    expected = [fast.tokens.decode(theirs[i]) for i in repeats]
    begun = [fast.tokens.decode(starts[i]) for i in repeats]
    same = [ours == best for ours, best in zip(found, expected, strict=True)]
    # What is left: the two tokens are forbidden further on too.
    later = [words in best for words, best in zip(begun, expected, strict=True)]
    print(f"beams {beams}: {len(repeats)} begin as a turn, {sum(same)} as transformers now")
    assert sum(a or b for a, b in zip(same, later, strict=True)) >= 0.95 * len(repeats)
    assert not any(words in answer for words, answer in zip(begun, found, strict=True))
    engine.close()


async def test_a_seed_is_not_honoured_and_no_temperature_is(
    trained: Maker, converted: Converted
) -> None:
    """CTranslate2 seeds a thread's random numbers once, so two requests of a seed differ."""
    engine = CTranslate2(converted(trained("marian")), "m", threads=1, device="cpu")
    engine.load()
    seeded = Sampling(temperature=2.0, seed=1)
    texts = [text for text, _ in toy.sentences(30, seed=4)]
    first = await engine.generate(texts, seeded)
    assert await engine.generate(texts, seeded) != first
    greedy = Sampling(temperature=0.0, seed=1)
    answers = await asyncio.gather(*(engine.generate(texts, greedy) for _ in range(2)))
    assert answers[0] == answers[1]
    engine.close()

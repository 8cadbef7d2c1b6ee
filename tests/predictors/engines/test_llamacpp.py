"""llama.cpp's engine with one slot: what was asked before does not change an answer."""

from __future__ import annotations

import asyncio
from collections import defaultdict

import pytest

from predictors.engine import Prefixed, Prompt, Sampling
from predictors.engines.llamacpp import LlamaCpp
from predictors.models.resolve import resolve
from predictors.translator.examples import load_examples
from predictors.translator.prompts import FewShot

pytestmark = pytest.mark.models

# Two begin alike, so that a cache would hold some of the one when the other is asked.
SENTENCES = (
    "J'aime beaucoup le chocolat.",
    "Je suis allé au marché hier.",
    "J'aime beaucoup la musique classique.",
)


class Likelihoods(LlamaCpp):
    """The engine, with each answer's log-probabilities kept."""

    def __init__(self, parallel: int) -> None:
        path = resolve("embedded:gemma3-270m").path
        super().__init__(path, "gemma", threads=1, parallel=parallel, context=512)
        self.seen: dict[str, set[tuple[float, ...]]] = defaultdict(set)

    async def _post(self, path: str, body: dict[str, object]) -> object:
        answer = await super()._post(path, {**body, "n_probs": 1})
        if path == "/completion" and body.get("n_predict"):
            tokens = answer["completion_probabilities"]
            self.seen[str(body["prompt"])].add(tuple(token["logprob"] for token in tokens))
        return answer


async def ask_in_several_orders(engine: Likelihoods, prompts: list[Prompt]) -> None:
    sampling = Sampling(temperature=0.0, max_tokens=3)
    for prompt in [*prompts, *reversed(prompts)]:
        await engine.generate([prompt], sampling)
    await asyncio.gather(*(engine.generate([prompt], sampling) for prompt in prompts))


async def test_with_one_slot_a_prefixed_prompt_has_one_answer_to_the_last_digit() -> None:
    engine = Likelihoods(parallel=1)
    engine.load()
    form = FewShot("fr", "en", load_examples("fr", "en", ""))
    prompts = [form.prompt(sentence) for sentence in SENTENCES]
    await ask_in_several_orders(engine, prompts)
    # A prompt of another kind takes the slot, and the prefix comes back as it was.
    await engine.generate(["Once upon a time"], Sampling(max_tokens=1))
    await ask_in_several_orders(engine, prompts)
    answers = [engine.seen[str(prompt)] for prompt in prompts]
    engine.close()
    assert [len(each) for each in answers] == [1, 1, 1]


def test_a_prefixed_text_is_its_text_and_knows_its_beginning() -> None:
    text = Prefixed("English: Hello\n", "French:")
    assert (text, text.prefix) == ("English: Hello\nFrench:", "English: Hello\n")

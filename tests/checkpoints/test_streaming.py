"""Causal models on CTranslate2, read along while they write."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from predictors.engine import Sampling
from predictors.engines.ctranslate2 import CTranslate2
from tests.checkpoints import causal, toy

PLAIN = Sampling(max_tokens=16, temperature=0.0, repetition_penalty=1.0)
# Counts the prompt, which then goes through the same loop as the answer.
PENALISED = replace(PLAIN, repetition_penalty=1.3)


async def gathered(parts: AsyncIterator[str]) -> list[str]:
    return [part async for part in parts]


@pytest.mark.parametrize("family", causal.FAMILIES)
async def test_the_parts_of_a_streamed_text_are_the_text_and_come_token_by_token(
    family: str, checkpoint: Callable[[str], Path], converted: Callable[..., Path]
) -> None:
    engine = CTranslate2(converted(checkpoint(family)), "toy", threads=2, device="cpu")
    engine.load()
    prompts = [source for source, _ in toy.sentences(20, seed=3)]
    for sampling in (PLAIN, PENALISED, replace(PLAIN, stop=("e ", "xyz"))):
        expected = await engine.generate(prompts, sampling)
        # Side by side, so that they share batches with each other and with texts that come whole.
        whole = asyncio.ensure_future(engine.generate(prompts, sampling))
        streamed = await asyncio.gather(
            *(gathered(engine.stream(prompt, sampling)) for prompt in prompts)
        )
        assert ["".join(parts) for parts in streamed] == expected == await whole
        assert max(map(len, streamed)) > 4
    engine.close()

"""Engine on CTranslate2 for causal models: Llama, Mistral, Qwen, Gemma, GPT-2 and the like.

As its sibling for sequence-to-sequence models it needs a converted folder, no torch and no
transformers. It generates greedily or by sampling. A chat is written by the checkpoint's own
template. Nothing is kept from one request to the next: every prompt is read whole.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graph.errors import EngineError, NotReady, TooLarge
from predictors.batching import MicroBatcher
from predictors.checkpoints.chat_template import ChatTemplateRenderer
from predictors.checkpoints.generation import (
    Generation,
    apply_sampling,
    cut_at_stop,
    read_generation,
)
from predictors.checkpoints.tokens import Tokens, load_tokens
from predictors.engine import EngineInfo, Prompt, Sampling, without_languages
from predictors.engines.ctranslate2 import open_model
from predictors.engines.ctranslate2_options import Suppressed, decoder_options, suppressed_words
from predictors.models.manifest import read_description


@dataclass(frozen=True)
class _Key:
    """What generations of one batch share.

    given: tokens of the prompt after its first, where they count for the answer.
    """

    generation: Generation
    suppressed: Suppressed
    stop: tuple[str, ...]
    given: int


class CTranslate2Decoder:
    """A converted folder; `context` tokens at most for a prompt and its answer."""

    def __init__(
        self, path: Path, model: str, *, threads: int, device: str = "auto", context: int = 2048
    ) -> None:
        self._path = path
        self._model = model
        self._threads = threads
        self._device = device
        self._context = context
        self._generator: Any = None
        self._tokens: Tokens | None = None
        self._template: ChatTemplateRenderer | None = None
        self._batcher: MicroBatcher[_Key, list[str], list[str]] | None = None
        self._info: EngineInfo | None = None

    def load(self) -> None:
        description = read_description(self._path)
        opened = open_model("Generator", self._path, self._model, self._threads, self._device)
        self._generator = opened.model
        self._tokens = load_tokens(self._path)
        if description.chat_template:
            self._template = ChatTemplateRenderer(description.chat_template, self._model)
        self._base = description.generation
        if description.positions:
            self._context = min(self._context, description.positions)
        self._batcher = MicroBatcher(self._generate, workers=opened.workers)
        self._info = description.engine_info(self._model, self._context, opened.device)

    def close(self) -> None:
        if self._batcher is not None:
            self._batcher.close()
        self._batcher = self._generator = self._tokens = self._template = self._info = None

    @property
    def info(self) -> EngineInfo:
        if self._info is None:
            raise NotReady(f"{self._model}: not loaded yet")
        return self._info

    async def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> list[str]:
        """One text per prompt. Raises TooLarge for a prompt that fills the context."""
        if self._batcher is None or self._tokens is None:
            raise NotReady(f"{self._model}: not loaded yet")
        jobs = await asyncio.to_thread(self._prepare, prompts, sampling, self._tokens)
        batcher, decode = self._batcher, self._tokens.decode
        answers = await asyncio.gather(*(batcher.submit(key, [prompt]) for key, prompt in jobs))
        return [cut_at_stop(decode(answer), sampling) for (answer,) in answers]

    async def count_tokens(self, prompt: Prompt) -> int:
        if self._tokens is None:
            raise NotReady(f"{self._model}: not loaded yet")
        return len(self._read(prompt, self._tokens))

    def _prepare(
        self, prompts: Sequence[Prompt], sampling: Sampling, tokens: Tokens
    ) -> list[tuple[_Key, list[str]]]:
        jobs = []
        for prompt in prompts:
            read = self._read(prompt, tokens)
            room = self._context - len(read)
            if room < 1:
                raise TooLarge(
                    "text", f"{len(read)} tokens, the model reads at most {self._context}"
                )
            generation = apply_sampling(read_generation(self._base, 0), sampling, room)
            words = suppressed_words(generation, tokens)
            given = len(read) - 1 if generation.repetition_penalty != 1.0 else 0
            jobs.append((_Key(generation, words, sampling.stop, given), read))
        return jobs

    def _read(self, prompt: Prompt, tokens: Tokens) -> list[str]:
        told = without_languages(prompt, self._model)
        if isinstance(told, str):
            read = tokens.encode(told)
        elif self._template is None:
            raise EngineError(f"{self._model}: takes a text, it has no chat template")
        else:
            # A chat template writes its own special tokens.
            read = tokens.encode_bare(self._template.render(told))
        if not read:
            raise EngineError(f"{self._model}: cannot go on from an empty text")
        return read

    def _generate(self, key: _Key, prompts: list[list[str]]) -> list[list[str]]:
        """Blocks; runs on a thread of the batcher."""
        options = decoder_options(key.generation, key.suppressed, key.given)
        if key.stop:
            options["callback"] = self._stopper(key, len(prompts))
        try:
            results = self._generator.generate_batch(prompts, end_token=self._ends(), **options)
        except (RuntimeError, ValueError) as err:
            raise EngineError(f"{self._model}: the model failed") from err
        found = [list(result.sequences[0]) for result in results]
        if not key.given:
            return found
        return [_after(prompt, row) for prompt, row in zip(prompts, found, strict=True)]

    def _ends(self) -> list[int] | None:
        """Indices of the checkpoint's end tokens; None for the one of its tokenizer."""
        ends = self._base.get("eos_token_id")
        return [ends] if isinstance(ends, int) else ends

    def _stopper(self, key: _Key, count: int) -> Callable[[Any], bool]:
        """Tells CTranslate2 to end an answer that holds a stop text."""
        assert self._tokens is not None
        decode = self._tokens.decode
        said: list[list[str]] = [[] for _ in range(count)]

        def stops(result: Any) -> bool:
            if result.step < key.given:
                return False
            said[result.batch_id].append(result.token)
            text = decode(said[result.batch_id])
            return any(stop in text for stop in key.stop)

        return stops


def _after(prompt: list[str], row: list[str]) -> list[str]:
    """What follows the prompt, which comes back without its first token if that begins a text."""
    came = len(prompt) if row[: len(prompt)] == prompt else len(prompt) - 1
    return row[came:]

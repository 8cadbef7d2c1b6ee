"""Engine on CTranslate2: sequence-to-sequence checkpoints, int8 on CPU and float16 on GPU.

It reads a folder that `parley models convert` made: weights, tokenizer and manifest. No torch and
no transformers are imported. Requests are batched across callers; each worker has one thread of its
own (figures in the README of predictors/models). A sampling's seed is not honoured: CTranslate2
seeds the random numbers of a thread once. Temperature 0 is reproducible.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graph.errors import EngineError, ModelError, NotReady, TooLarge
from predictors.batching import MicroBatcher
from predictors.checkpoints.generation import (
    Generation,
    apply_sampling,
    cut_at_stop,
    read_generation,
    settings_for,
)
from predictors.checkpoints.languages import Languages, fitting
from predictors.checkpoints.tokens import Tokens, load_tokens
from predictors.engine import EngineInfo, Prompt, Sampling, Translation
from predictors.engines.ctranslate2_options import (
    Suppressed,
    begins_with,
    encoder_ngrams,
    forbidden_beginnings,
    has_any,
    suppressed_words,
    translation_options,
)
from predictors.models.manifest import read_description


@dataclass(frozen=True)
class _Key:
    """What generations of one batch share. prefix: tokens that the answers begin with."""

    generation: Generation
    suppressed: Suppressed
    prefix: tuple[str, ...]


@dataclass(frozen=True)
class _Job:
    """A source's tokens, and the n-grams of it that its answer must not have."""

    source: list[str]
    ngrams: Suppressed
    beginnings: Suppressed


class CTranslate2:
    """A converted folder, with one worker for each of `threads` CPU threads (of a GPU: one)."""

    def __init__(self, path: Path, model: str, *, threads: int, device: str = "auto") -> None:
        self._path = path
        self._model = model
        self._threads = threads
        self._device = device
        self._translator: Any = None
        self._tokens: Tokens | None = None
        self._languages: Languages | None = None
        self._batcher: MicroBatcher[_Key, _Job, list[str]] | None = None
        self._info: EngineInfo | None = None

    def load(self) -> None:
        description = read_description(self._path)
        opened = open_model("Translator", self._path, self._model, self._threads, self._device)
        self._translator = opened.model
        self._tokens = load_tokens(self._path)
        self._languages = description.languages
        self._batcher = MicroBatcher(self._translate, workers=opened.workers)
        self._description = description
        self._positions = description.positions
        start = description.generation.get("decoder_start_token_id")
        self._start = "" if start is None else self._tokens.token(int(start))
        self._info = description.engine_info(self._model, description.context, opened.device)

    def close(self) -> None:
        if self._batcher is not None:
            self._batcher.close()
        self._batcher = self._translator = self._tokens = self._info = None

    @property
    def info(self) -> EngineInfo:
        if self._info is None:
            raise NotReady(f"{self._model}: not loaded yet")
        return self._info

    async def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> list[str]:
        """One text per prompt. Raises TooLarge for a prompt over the model's positions."""
        if self._batcher is None or self._tokens is None:
            raise NotReady(f"{self._model}: not loaded yet")
        jobs = await asyncio.to_thread(self._prepare, prompts, sampling, self._tokens)
        batcher, decode = self._batcher, self._tokens.decode
        answers = await asyncio.gather(*(batcher.submit(key, [job]) for key, job in jobs))
        return [cut_at_stop(decode(answer), sampling) for (answer,) in answers]

    async def count_tokens(self, prompt: Prompt) -> int:
        if self._tokens is None:
            raise NotReady(f"{self._model}: not loaded yet")
        return len(self._source(fitting(prompt, self._languages, self._model), self._tokens))

    def _prepare(
        self, prompts: Sequence[Prompt], sampling: Sampling, tokens: Tokens
    ) -> list[tuple[_Key, _Job]]:
        jobs = []
        for prompt in prompts:
            asked = fitting(prompt, self._languages, self._model)
            source = self._source(asked, tokens)
            if self._positions and len(source) > self._positions:
                raise TooLarge(
                    "text", f"{len(source)} tokens, the model reads at most {self._positions}"
                )
            generation = self._generation(asked, sampling)
            words = suppressed_words(generation, tokens)
            ngrams = encoder_ngrams(source, generation.encoder_no_repeat_ngram_size)
            beginnings = forbidden_beginnings(ngrams, self._start)
            prefix = self._prefix(asked, generation, tokens)
            key = _Key(generation, words, prefix)
            jobs.append((key, _Job(source, ngrams, beginnings)))
        return jobs

    def _source(self, prompt: str | Translation, tokens: Tokens) -> list[str]:
        if isinstance(prompt, str) or self._languages is None:
            return tokens.encode(_text(prompt))
        return self._languages.source(prompt, tokens.encode_bare(prompt.text))

    def _prefix(
        self, prompt: str | Translation, generation: Generation, tokens: Tokens
    ) -> tuple[str, ...]:
        if isinstance(prompt, Translation) and self._languages is not None:
            return (self._languages.token(prompt.target),)
        forced = generation.forced_bos
        return () if forced is None else (tokens.token(forced),)

    def _generation(self, prompt: str | Translation, sampling: Sampling) -> Generation:
        described = self._description
        settings = settings_for(_text(prompt), described.generation, described.tasks)
        return apply_sampling(read_generation(settings), sampling, self._positions or 1 << 20)

    def _translate(self, key: _Key, jobs: list[_Job]) -> list[list[str]]:
        """Blocks; runs on a thread of the batcher.

        What a source forbids cannot differ within a batch of CTranslate2's. So a batch is searched
        without, and an answer that has what it must not have is searched for again, alone.
        """
        answers = self._search(key, (), [job.source for job in jobs])
        for i, job in enumerate(jobs):
            if has_any(answers[i], job.ngrams):
                [answers[i]] = self._search(key, job.ngrams, [job.source])
            if begins_with(answers[i], job.beginnings):
                forbidden = job.ngrams + job.beginnings
                [answers[i]] = self._search(key, forbidden, [job.source])
        return answers

    def _search(
        self, key: _Key, forbidden: Suppressed, sources: list[list[str]]
    ) -> list[list[str]]:
        options = translation_options(key.generation, key.suppressed + forbidden)
        if options["max_decoding_length"] <= len(key.prefix):
            return [[] for _ in sources]
        prefixes = [list(key.prefix)] * len(sources) if key.prefix else None
        try:
            results = self._translator.translate_batch(sources, prefixes, **options)
        except (RuntimeError, ValueError) as err:
            raise EngineError(f"{self._model}: the model failed") from err
        return [list(result.hypotheses[0][len(key.prefix) :]) for result in results]


@dataclass(frozen=True)
class Opened:
    """A model of CTranslate2's. workers: calls that it works on at a time."""

    model: Any
    device: str
    workers: int


def open_model(kind: str, path: Path, model: str, threads: int, device: str) -> Opened:
    """The class `kind` of CTranslate2 on a converted folder. Raises ModelError."""
    import ctranslate2

    if device == "auto":
        device = "cuda" if ctranslate2.get_cuda_device_count() else "cpu"
    workers = threads if device == "cpu" else 1
    try:
        opened = getattr(ctranslate2, kind)(
            str(path), device=device, inter_threads=workers, intra_threads=1
        )
    except (RuntimeError, ValueError) as err:
        raise ModelError(f"{model}: CTranslate2 cannot load it on {device}: {err}") from err
    return Opened(opened, device, workers)


def _text(prompt: str | Translation) -> str:
    return prompt.text if isinstance(prompt, Translation) else prompt

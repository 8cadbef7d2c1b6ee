"""Encoder-decoder checkpoints on CTranslate2: how a prompt is read and a batch is searched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from graph.errors import EngineError
from predictors.checkpoints.ctranslate2_options import (
    Suppressed,
    begins_with,
    encoder_ngrams,
    forbidden_beginnings,
    has_any,
    suppressed_words,
    translation_options,
)
from predictors.checkpoints.description import CheckpointDescription
from predictors.checkpoints.generation import Generation
from predictors.checkpoints.tokens import Tokens
from predictors.engine import Prompt, Sampling
from predictors.engines.encoder_decoder import Reader


@dataclass(frozen=True)
class _Key:
    """What generations of one batch share. The languages are not among it."""

    generation: Generation
    suppressed: Suppressed


@dataclass(frozen=True)
class _Job:
    """A source's tokens, what its answer begins with, and the n-grams of it that it must not have.

    prefix: the token of the target's language, or what the checkpoint forces, or nothing. Its
    length is the same for all jobs of a model.
    """

    source: list[str]
    prefix: tuple[str, ...]
    ngrams: Suppressed
    beginnings: Suppressed

    @property
    def tokens(self) -> int:
        return len(self.source)


@dataclass(frozen=True)
class EncoderDecoder:
    """translator: CTranslate2's, open.  model: its name for users."""

    translator: Any
    tokens: Tokens
    description: CheckpointDescription
    model: str

    @property
    def context(self) -> int:
        return self.description.context

    def read(self, prompt: Prompt) -> list[str]:
        """The tokens that the encoder reads. Raises EngineError for a prompt of another kind."""
        return self._reader.read(prompt)

    def prepare(self, prompt: Prompt, sampling: Sampling) -> tuple[_Key, _Job]:
        """Raises EngineError, and TooLarge for a prompt over the model's positions."""
        source = self._reader.source(prompt)
        generation = self._reader.generation(prompt, sampling)
        words = suppressed_words(generation, self.tokens)
        ngrams = encoder_ngrams(source, generation.encoder_no_repeat_ngram_size)
        beginnings = forbidden_beginnings(ngrams, self._start())
        prefix = self._reader.prefix(prompt, generation)
        return _Key(generation, words), _Job(source, prefix, ngrams, beginnings)

    @staticmethod
    def tokens_of(job: _Job) -> int:
        return len(job.source)

    def run(self, key: _Key, jobs: list[_Job]) -> list[list[str]]:
        """Blocks; runs on a thread of the batcher.

        What a source forbids cannot differ within a batch of CTranslate2's. So a batch is searched
        without, and an answer that has what it must not have is searched for again, alone.
        """
        answers = self._search(key, (), jobs)
        for i, job in enumerate(jobs):
            if has_any(answers[i], job.ngrams):
                [answers[i]] = self._search(key, job.ngrams, [job])
            if begins_with(answers[i], job.beginnings):
                forbidden = job.ngrams + job.beginnings
                [answers[i]] = self._search(key, forbidden, [job])
        return answers

    def _search(self, key: _Key, forbidden: Suppressed, jobs: list[_Job]) -> list[list[str]]:
        options = translation_options(key.generation, key.suppressed + forbidden)
        given = len(jobs[0].prefix)
        if options["max_decoding_length"] <= given:
            return [[] for _ in jobs]
        sources = [job.source for job in jobs]
        prefixes = [list(job.prefix) for job in jobs] if given else None
        try:
            results = self.translator.translate_batch(sources, prefixes, **options)
        except (RuntimeError, ValueError) as err:
            raise EngineError(f"{self.model}: the model failed") from err
        return [list(result.hypotheses[0][given:]) for result in results]

    @property
    def _reader(self) -> Reader:
        return Reader(self.tokens, self.description, self.model)

    def _start(self) -> str:
        """The token that the decoder begins with."""
        start = self.description.generation.get("decoder_start_token_id")
        return "" if start is None else self.tokens.token(int(start))

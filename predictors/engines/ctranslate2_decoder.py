"""Causal checkpoints on CTranslate2: Llama, Mistral, Qwen, Gemma, GPT-2 and the like.

They generate greedily or by sampling. A chat is written by the checkpoint's own template. Nothing
is kept from one request to the next: every prompt is read whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from graph.errors import EngineError, TooLarge
from predictors.checkpoints.chat_template import ChatTemplateRenderer
from predictors.checkpoints.ctranslate2_options import (
    Suppressed,
    decoder_options,
    suppressed_words,
)
from predictors.checkpoints.description import CheckpointDescription
from predictors.checkpoints.generation import Generation, apply_sampling, read_generation
from predictors.checkpoints.special_tokens import read_special_tokens
from predictors.checkpoints.tokens import Tokens
from predictors.engine import Prompt, Sampling, without_languages
from predictors.engines.ctranslate2_words import GrowingText


@dataclass(frozen=True)
class _Key:
    """What generations of one batch share.

    given: tokens of the prompt after its first, where they count for the answer.
    """

    generation: Generation
    suppressed: Suppressed
    stop: tuple[str, ...]
    given: int


@dataclass(frozen=True)
class Job:
    """A prompt's tokens, and who reads its answer along."""

    prompt: list[str]
    reader: GrowingText | None = None

    @property
    def tokens(self) -> int:
        return len(self.prompt)


class Decoder:
    """generator: CTranslate2's, open.  context: tokens of a prompt and its answer at most."""

    def __init__(
        self,
        generator: Any,
        tokens: Tokens,
        description: CheckpointDescription,
        model: str,
        context: int,
    ) -> None:
        """Raises ModelError for a chat template that is not Jinja."""
        self.context = min(context, description.positions or context)
        self._generator = generator
        self._tokens = tokens
        self._generation = description.generation
        self._model = model
        self._template: ChatTemplateRenderer | None = None
        if (template := description.chat_template) is not None:
            self._template = ChatTemplateRenderer(template, model)
            self._special_tokens = read_special_tokens(tokens.added_tokens(), template.source)

    def read(self, prompt: Prompt) -> list[str]:
        """The tokens of the prompt, at least one. Raises EngineError."""
        told = without_languages(prompt, self._model)
        if isinstance(told, str):
            read = self._tokens.encode(told)
        elif self._template is None:
            raise EngineError(f"{self._model}: takes a text, it has no chat template")
        else:
            # A chat template writes its own special tokens.
            written = self._template.render(self._special_tokens.as_plain_messages(told))
            read = self._tokens.encode_bare(written)
        if not read:
            raise EngineError(f"{self._model}: cannot go on from an empty text")
        return read

    def prepare(self, prompt: Prompt, sampling: Sampling) -> tuple[_Key, Job]:
        """Raises EngineError, and TooLarge for a prompt that fills the context."""
        read = self.read(prompt)
        room = self.context - len(read)
        if room < 1:
            raise TooLarge("text", f"{len(read)} tokens, the model reads at most {self.context}")
        generation = apply_sampling(read_generation(self._generation, 0), sampling, room)
        words = suppressed_words(generation, self._tokens)
        given = len(read) - 1 if generation.repetition_penalty != 1.0 else 0
        return _Key(generation, words, sampling.stop, given), Job(read)

    @staticmethod
    def tokens_of(job: Job) -> int:
        return len(job.prompt)

    def run(self, key: _Key, jobs: list[Job]) -> list[list[str]]:
        """Blocks; runs on a thread of the batcher."""
        options = decoder_options(key.generation, key.suppressed, key.given)
        if key.stop or any(job.reader for job in jobs):
            options["callback"] = self._listener(key, jobs)
        prompts = [job.prompt for job in jobs]
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
        ends = self._generation.get("eos_token_id")
        return [ends] if isinstance(ends, int) else ends

    def _listener(self, key: _Key, jobs: Sequence[Job]) -> Callable[[Any], bool]:
        """Hears each token, and tells CTranslate2 to end an answer that holds a stop text."""
        unread = [GrowingText(self._tokens, key.stop, lambda part: None) for _ in jobs]
        texts = [job.reader or other for job, other in zip(jobs, unread, strict=True)]
        for text in texts:
            text.begin()

        def hears(result: Any) -> bool:
            is_said = bool(result.step >= key.given)
            return is_said and texts[result.batch_id].add(result.token)

        return hears


def _after(prompt: list[str], row: list[str]) -> list[str]:
    """What follows the prompt, which comes back without its first token if that begins a text."""
    came = len(prompt) if row[: len(prompt)] == prompt else len(prompt) - 1
    return row[came:]

"""A checkpoint that transformers has loaded: how a prompt is read and a batch is generated."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from graph.errors import EngineError, TooLarge
from predictors.checkpoints.description import CheckpointDescription
from predictors.checkpoints.generation import (
    Generation,
    apply_sampling,
    read_generation,
    settings_for,
)
from predictors.engine import Prompt, Sampling, Translation
from predictors.engines.transformers_inputs import Inputs


@dataclass(frozen=True)
class Key:
    """What generations of one batch share; `alone` parts those that a seed makes their own."""

    settings: tuple[tuple[str, Any], ...]
    sampling: Sampling
    alone: int = 0


@dataclass(frozen=True)
class TransformersModel:
    """model, tokenizer: transformers'.  positions: tokens that it cannot go over, 0 for no limit.

    name: the model's name for users.
    """

    model: Any
    tokenizer: Any
    inputs: Inputs
    description: CheckpointDescription
    device: str
    positions: int
    name: str
    _seeded: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def context(self) -> int:
        if self.description.is_encoder_decoder:
            return self.description.context
        return self.positions or self.description.context

    def prepare(self, prompt: Prompt, sampling: Sampling) -> tuple[Key, list[int]]:
        """Raises EngineError, and TooLarge for a prompt over the model's positions."""
        ids = self.inputs.ids(prompt)
        is_encoder_decoder = self.description.is_encoder_decoder
        if self.positions and len(ids) > self.positions - (0 if is_encoder_decoder else 1):
            raise TooLarge("text", f"{len(ids)} tokens, the model reads at most {self.positions}")
        text = prompt if isinstance(prompt, str) else ""
        settings = settings_for(text, self.description.generation, self.description.tasks)
        room = self.positions if is_encoder_decoder else self.positions - len(ids)
        generation = apply_sampling(
            read_generation(settings, self.description.decoder_prompt_length),
            sampling,
            room if self.positions else 1 << 20,
        )
        settings |= _in_words_of_transformers(generation)
        if isinstance(prompt, Translation) and self.description.languages is not None:
            target = self.description.languages.token(prompt.target)
            settings["forced_bos_token_id"] = self.tokenizer.convert_tokens_to_ids(target)
        is_seeded = sampling.seed is not None and generation.do_sample
        alone = next(self._seeded) if is_seeded else 0
        return Key(_frozen(settings), replace(sampling, stop=()), alone), ids

    def run(self, key: Key, rows: list[list[int]]) -> list[str]:
        """Blocks; runs on the batcher's thread."""
        import torch
        import transformers

        settings = {name: _thawed(value) for name, value in key.settings}
        config = transformers.GenerationConfig(**settings)
        if key.alone:
            torch.manual_seed(key.sampling.seed or 0)
        inputs = {n: t.to(self.device) for n, t in self.inputs.padded(rows).items()}
        try:
            with torch.inference_mode():
                output = self.model.generate(**inputs, generation_config=config)
        except (RuntimeError, ValueError, IndexError) as err:
            raise EngineError(f"{self.name}: the model failed") from err
        # What was given is left out: the decoder's start token and a forced first one, the prompt.
        given = 1 if self.description.is_encoder_decoder else inputs["input_ids"].shape[1]
        if settings.get("forced_bos_token_id") is not None:
            given += 1
        texts = self.tokenizer.batch_decode(output[:, given:], skip_special_tokens=True)
        return [str(text) for text in texts]


def _in_words_of_transformers(generation: Generation) -> dict[str, Any]:
    """The settings that a caller may have changed."""
    settings = {
        "max_length": None,
        "max_new_tokens": generation.max_new_tokens,
        "num_beams": generation.num_beams,
        "do_sample": generation.do_sample,
        "repetition_penalty": generation.repetition_penalty,
        "min_length": None,
        "min_new_tokens": generation.min_new_tokens,
    }
    if generation.do_sample:
        settings |= {"temperature": generation.temperature, "top_p": generation.top_p}
    return settings


def _frozen(settings: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
    """Settings that can be a key: lists as tuples."""
    return tuple(sorted((name, _freeze(value)) for name, value in settings.items()))


def _freeze(value: Any) -> Any:
    return tuple(map(_freeze, value)) if isinstance(value, list) else value


def _thawed(value: Any) -> Any:
    return [_thawed(inner) for inner in value] if isinstance(value, tuple) else value

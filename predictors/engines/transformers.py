"""Engine on transformers and torch: the reference that the fast engines are compared with.

It runs any sequence-to-sequence or causal checkpoint whose weights are safetensors, on CPU or CUDA,
with the checkpoint's own generation config. Pickles are refused, and code of a checkpoint is never
run.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from graph.errors import EngineError, ModelError, NotReady, TooLarge
from predictors.batching import MicroBatcher
from predictors.checkpoints.files import check_source
from predictors.checkpoints.generation import (
    apply_sampling,
    cut_at_stop,
    read_generation,
    settings_for,
)
from predictors.checkpoints.inspection import describe_checkpoint
from predictors.checkpoints.languages import Languages
from predictors.conversion.converter import load_model, load_tokenizer
from predictors.engine import EngineInfo, Prompt, Sampling, Translation
from predictors.engines.transformers_inputs import Inputs

DTYPES = ("auto", "float32", "bfloat16", "float16")
# While transformers is imported or loads a model, other threads see it half changed: classes are
# missing, tied weights are not tied.
_LOADING = threading.Lock()


@dataclass(frozen=True)
class _Key:
    """What generations of one batch share; `alone` parts those that a seed makes their own."""

    settings: tuple[tuple[str, Any], ...]
    sampling: Sampling
    alone: int = 0


class Transformers:
    """A checkpoint's folder. dtype `auto` is bfloat16 on CUDA and float32 on CPU.

    context: tokens that a prompt and its answer share at most in a causal model; 0 for the model's.
    """

    def __init__(
        self,
        path: Path,
        model: str,
        *,
        threads: int,
        device: str = "auto",
        dtype: str = "auto",
        batch: int = 16,
        context: int = 0,
    ) -> None:
        self._path = path
        self._model_name = model
        self._threads = threads
        self._device = device
        self._dtype = dtype
        self._batch = batch
        self._context = context
        self._counter = itertools.count(1)
        self._languages: Languages | None = None
        self._batcher: MicroBatcher[_Key, list[int], str] | None = None
        self._info: EngineInfo | None = None

    def load(self) -> None:
        """One at a time in a process; raises ModelError."""
        with _LOADING:
            self._load()

    def _load(self) -> None:
        import torch
        import transformers

        check_source(self._path, pickles=False)
        if self._device == "auto":
            self._device = "cuda" if torch.cuda.is_available() else "cpu"
        if self._device == "cpu":
            torch.set_num_threads(self._threads)
        fast = "bfloat16" if self._device == "cuda" else "float32"
        dtype = getattr(torch, fast if self._dtype == "auto" else self._dtype)
        try:
            config = transformers.AutoConfig.from_pretrained(self._path, trust_remote_code=False)
            kind = "Seq2SeqLM" if config.is_encoder_decoder else "CausalLM"
            model_class = getattr(transformers, f"AutoModelFor{kind}")
            self._tokenizer = load_tokenizer(self._path)
            self._model = load_model(model_class, self._path, dtype).to(self._device)
        except (OSError, ValueError, KeyError) as err:
            reason = (str(err).strip().splitlines() or [type(err).__name__])[0]
            raise ModelError(f"{self._model_name}: transformers cannot load it: {reason}") from err
        self._seq2seq = bool(config.is_encoder_decoder)
        described = describe_checkpoint(config, self._model.generation_config, self._tokenizer)
        self._description = described
        self._positions = described.positions
        if not self._seq2seq and self._context:
            self._positions = min(self._positions or self._context, self._context)
        self._languages = described.languages
        self._inputs = Inputs(self._tokenizer, described, self._model_name)
        self._batcher = MicroBatcher(self._generate, batch=self._batch)
        context = described.context if self._seq2seq else self._positions or described.context
        self._info = described.engine_info(self._model_name, context, self._device)

    def close(self) -> None:
        if self._batcher is not None:
            self._batcher.close()
        self._batcher = self._info = None
        self._model = self._tokenizer = None

    @property
    def info(self) -> EngineInfo:
        if self._info is None:
            raise NotReady(f"{self._model_name}: not loaded yet")
        return self._info

    async def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> list[str]:
        """One text per prompt. Raises TooLarge for a prompt over the model's positions."""
        if self._batcher is None:
            raise NotReady(f"{self._model_name}: not loaded yet")
        jobs = await asyncio.to_thread(
            lambda: [self._prepare(prompt, sampling) for prompt in prompts]
        )
        batcher = self._batcher
        answers = await asyncio.gather(*(batcher.submit(key, [ids]) for key, ids in jobs))
        return [cut_at_stop(answer, sampling) for (answer,) in answers]

    async def count_tokens(self, prompt: Prompt) -> int:
        if self._info is None:
            raise NotReady(f"{self._model_name}: not loaded yet")
        return len(self._inputs.ids(prompt))

    def _prepare(self, prompt: Prompt, sampling: Sampling) -> tuple[_Key, list[int]]:
        ids = self._inputs.ids(prompt)
        positions = self._positions
        if positions and len(ids) > positions - (0 if self._seq2seq else 1):
            raise TooLarge("text", f"{len(ids)} tokens, the model reads at most {positions}")
        text = prompt if isinstance(prompt, str) else ""
        settings = settings_for(text, self._description.generation, self._description.tasks)
        room = positions if self._seq2seq else positions - len(ids)
        wanted = apply_sampling(
            read_generation(settings, self._description.decoder_prompt_length),
            sampling,
            room if positions else 1 << 20,
        )
        changes = {
            "max_length": None,
            "max_new_tokens": wanted.max_new_tokens,
            "num_beams": wanted.num_beams,
            "do_sample": wanted.do_sample,
            "repetition_penalty": wanted.repetition_penalty,
            "min_length": None,
            "min_new_tokens": wanted.min_new_tokens,
        }
        if wanted.do_sample:
            changes |= {"temperature": wanted.temperature, "top_p": wanted.top_p}
        if isinstance(prompt, Translation) and self._languages is not None:
            target = self._languages.token(prompt.target)
            changes["forced_bos_token_id"] = self._tokenizer.convert_tokens_to_ids(target)
        merged = {**settings, **changes}
        alone = next(self._counter) if sampling.seed is not None and wanted.do_sample else 0
        key = _Key(tuple(sorted(_frozen(merged).items())), replace(sampling, stop=()), alone)
        return key, ids

    def _generate(self, key: _Key, rows: list[list[int]]) -> list[str]:
        """Blocks; runs on the batcher's thread."""
        import torch
        import transformers

        settings = {name: _thawed(value) for name, value in key.settings}
        config = transformers.GenerationConfig(**settings)
        if key.alone:
            torch.manual_seed(key.sampling.seed or 0)
        inputs = {n: t.to(self._device) for n, t in self._inputs.padded(rows).items()}
        try:
            with torch.inference_mode():
                output = self._model.generate(**inputs, generation_config=config)
        except (RuntimeError, ValueError, IndexError) as err:
            raise EngineError(f"{self._model_name}: the model failed") from err
        # What was given is left out: the decoder's start token and a forced first one, the prompt.
        given = 1 if self._seq2seq else inputs["input_ids"].shape[1]
        if settings.get("forced_bos_token_id") is not None:
            given += 1
        texts = self._tokenizer.batch_decode(output[:, given:], skip_special_tokens=True)
        return [str(text) for text in texts]


def _frozen(settings: dict[str, Any]) -> dict[str, Any]:
    """Lists as tuples, so that settings can be a key."""
    return {name: _freeze(value) for name, value in settings.items()}


def _freeze(value: Any) -> Any:
    return tuple(map(_freeze, value)) if isinstance(value, list) else value


def _thawed(value: Any) -> Any:
    return [_thawed(inner) for inner in value] if isinstance(value, tuple) else value

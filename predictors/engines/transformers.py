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
from predictors.engines.base import EngineInfo, Prompt, Sampling
from predictors.engines.generation import apply_sampling, cut_at_stop, read_generation, settings_for
from predictors.models.converter import describe_model, load_model, load_tokenizer
from predictors.models.sources import check_source

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
    """A checkpoint's folder. dtype `auto` is bfloat16 on CUDA and float32 on CPU."""

    def __init__(
        self,
        path: Path,
        model: str,
        *,
        threads: int,
        device: str = "auto",
        dtype: str = "auto",
        batch: int = 16,
    ) -> None:
        self._path = path
        self._model_name = model
        self._threads = threads
        self._device = device
        self._dtype = dtype
        self._batch = batch
        self._counter = itertools.count(1)
        self._batcher: MicroBatcher[_Key, str, str] | None = None
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
        if not self._seq2seq:
            self._tokenizer.padding_side = "left"
            self._tokenizer.pad_token = self._tokenizer.pad_token or self._tokenizer.eos_token
        self._about = describe_model(config, self._model.generation_config)
        self._batcher = MicroBatcher(self._generate, batch=self._batch)
        tasks = {f"prefix.{n}": str(t["prefix"]) for n, t in self._about["tasks"].items()}
        self._info = EngineInfo(
            self._model_name,
            self._about["context"],
            has_chat_template=bool(getattr(self._tokenizer, "chat_template", None)),
            extra={
                "family": self._about["family"],
                "shape": "encoder-decoder" if self._seq2seq else "decoder",
                "device": self._device,
                **tasks,
            },
        )

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
        answers = await asyncio.gather(*(batcher.submit(key, [text]) for key, text in jobs))
        return [cut_at_stop(answer, sampling) for (answer,) in answers]

    async def count_tokens(self, prompt: Prompt) -> int:
        if self._info is None:
            raise NotReady(f"{self._model_name}: not loaded yet")
        return self._count(self._text(prompt), prompt)

    def _prepare(self, prompt: Prompt, sampling: Sampling) -> tuple[_Key, str]:
        text = self._text(prompt)
        tokens = self._count(text, prompt)
        positions = self._about["positions"]
        if positions and tokens > positions - (0 if self._seq2seq else 1):
            raise TooLarge("text", f"{tokens} tokens, the model reads at most {positions}")
        settings = settings_for(text, self._about["generation"], self._about["tasks"])
        room = positions if self._seq2seq else positions - tokens
        wanted = apply_sampling(
            read_generation(settings, 1 if self._seq2seq else 0),
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
        merged = {k: v for k, v in {**settings, **changes}.items() if k != "prefix"}
        alone = next(self._counter) if sampling.seed is not None and wanted.do_sample else 0
        key = _Key(tuple(sorted(_frozen(merged).items())), replace(sampling, stop=()), alone)
        return key, text

    def _generate(self, key: _Key, texts: list[str]) -> list[str]:
        """Blocks; runs on the batcher's thread."""
        import torch
        import transformers

        settings = {name: _thawed(value) for name, value in key.settings}
        config = transformers.GenerationConfig(**settings)
        if key.alone:
            torch.manual_seed(key.sampling.seed or 0)
        inputs = self._tokenizer(
            texts, return_tensors="pt", padding=True, add_special_tokens=self._adds_special()
        ).to(self._device)
        inputs.pop("token_type_ids", None)
        try:
            with torch.inference_mode():
                output = self._model.generate(**inputs, generation_config=config)
        except (RuntimeError, ValueError, IndexError) as err:
            raise EngineError(f"{self._model_name}: the model failed") from err
        new = output if self._seq2seq else output[:, inputs["input_ids"].shape[1] :]
        texts = self._tokenizer.batch_decode(new, skip_special_tokens=True)
        return [str(text) for text in texts]

    def _text(self, prompt: Prompt) -> str:
        if isinstance(prompt, str):
            return prompt
        if not self.info.has_chat_template:
            raise EngineError(f"{self._model_name}: takes a text, it has no chat template")
        messages = [{"role": message.role, "content": message.content} for message in prompt]
        return str(
            self._tokenizer.apply_chat_template(
                messages, tokenize=False, add_generation_prompt=True
            )
        )

    def _adds_special(self) -> bool:
        """A chat template writes its own special tokens."""
        return self._seq2seq or not self.info.has_chat_template

    def _count(self, text: str, prompt: Prompt) -> int:
        encoded = self._tokenizer(text, add_special_tokens=self._adds_special())
        return len(encoded["input_ids"])


def _frozen(settings: dict[str, Any]) -> dict[str, Any]:
    """Lists as tuples, so that settings can be a key."""
    return {name: _freeze(value) for name, value in settings.items()}


def _freeze(value: Any) -> Any:
    return tuple(map(_freeze, value)) if isinstance(value, list) else value


def _thawed(value: Any) -> Any:
    return [_thawed(inner) for inner in value] if isinstance(value, tuple) else value

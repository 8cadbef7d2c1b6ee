"""Engine on transformers and torch: the reference that the fast engines are compared with.

It runs any sequence-to-sequence or causal checkpoint whose weights are safetensors, on CPU or CUDA,
with the checkpoint's own generation config. Pickles are refused, and code of a checkpoint is never
run.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graph.errors import ModelError, NotReady
from predictors.checkpoints.files import check_source
from predictors.checkpoints.generation import cut_at_stop
from predictors.checkpoints.inspection import describe_checkpoint
from predictors.checkpoints.loading import load_model, load_tokenizer
from predictors.engine import EngineInfo, Prompt, Sampling
from predictors.engines.transformers_inputs import Inputs
from predictors.engines.transformers_model import Key, TransformersModel
from predictors.scheduling.batching import MicroBatcher
from predictors.scheduling.calls import whole
from predictors.scheduling.cores import Cores

# While transformers is imported or loads a model, other threads see it half changed: classes are
# missing, tied weights are not tied.
_LOADING = threading.Lock()


@dataclass(frozen=True)
class _Loaded:
    model: TransformersModel
    batcher: MicroBatcher[Key, list[int], str]
    info: EngineInfo


class Transformers:
    """A checkpoint's folder. dtype `auto` is bfloat16 on CUDA and float32 on CPU.

    context: tokens that a prompt and its answer share at most in a causal model; 0 for the model's.
    cores: those that it shares with other models of the process.
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
        cores: Cores | None = None,
    ) -> None:
        self._path = path
        self._model = model
        self._threads = threads
        self._device = device
        self._dtype = dtype
        self._batch = batch
        self._context = context
        self._cores = cores
        self._loaded: _Loaded | None = None

    def load(self) -> None:
        """One at a time in a process; raises ModelError."""
        with _LOADING:
            model = self._load()
        on_cpu = model.device == "cpu"
        batcher = MicroBatcher[Key, list[int], str](
            whole(model.run),
            batch=self._batch,
            width=self._threads if on_cpu else 1,
            cores=self._cores if on_cpu else None,
            tokens=len,
        )
        info = model.description.engine_info(self._model, model.context, model.device)
        self._loaded = _Loaded(model, batcher, info)

    def close(self) -> None:
        loaded, self._loaded = self._loaded, None
        if loaded is not None:
            loaded.batcher.close()

    @property
    def info(self) -> EngineInfo:
        return self._ready().info

    async def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> list[str]:
        """One text per prompt. Raises TooLarge for a prompt over the model's positions."""
        loaded = self._ready()
        jobs = await asyncio.to_thread(
            lambda: [loaded.model.prepare(prompt, sampling) for prompt in prompts]
        )
        answers = await loaded.batcher.submit(jobs)
        return [cut_at_stop(answer, sampling) for answer in answers]

    async def count_tokens(self, prompt: Prompt) -> int:
        return len(await asyncio.to_thread(self._ready().model.inputs.ids, prompt))

    def _ready(self) -> _Loaded:
        if self._loaded is None:
            raise NotReady(f"{self._model}: not loaded yet")
        return self._loaded

    def _load(self) -> TransformersModel:
        import torch
        import transformers

        check_source(self._path, pickles=False)
        device = self._device
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        if device == "cpu":
            torch.set_num_threads(self._threads)
        try:
            config = transformers.AutoConfig.from_pretrained(self._path, trust_remote_code=False)
            kind = "Seq2SeqLM" if config.is_encoder_decoder else "CausalLM"
            model_class = getattr(transformers, f"AutoModelFor{kind}")
            tokenizer = load_tokenizer(self._path)
            model = load_model(model_class, self._path, self._torch_dtype(device)).to(device)
        except (OSError, ValueError, KeyError) as err:
            reason = (str(err).strip().splitlines() or [type(err).__name__])[0]
            raise ModelError(f"{self._model}: transformers cannot load it: {reason}") from err
        description = describe_checkpoint(config, model.generation_config, tokenizer)
        inputs = Inputs(tokenizer, description, self._model)
        positions = description.positions
        if not description.is_encoder_decoder and self._context:
            positions = min(positions or self._context, self._context)
        return TransformersModel(
            model, tokenizer, inputs, description, device, positions, self._model
        )

    def _torch_dtype(self, device: str) -> Any:
        import torch

        fast = "bfloat16" if device == "cuda" else "float32"
        return getattr(torch, fast if self._dtype == "auto" else self._dtype)

"""Engine on CTranslate2: converted checkpoints, int8 on CPU and float16 on GPU.

It reads a folder that `parley models convert` made: weights, tokenizer and manifest. No torch and
no transformers are imported. Requests are batched across callers; each worker has one thread of its
own (figures in the README of predictors/models). A sampling's seed is not honoured: CTranslate2
seeds the random numbers of a thread once. Temperature 0 is reproducible.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from graph.asgi import aside
from graph.errors import ModelError, NotReady
from predictors.checkpoints.generation import cut_at_stop
from predictors.checkpoints.tokens import Tokens, load_tokens
from predictors.engine import EngineInfo, Prompt, Sampling, size_of
from predictors.engines.ctranslate2_decoder import Decoder
from predictors.engines.ctranslate2_encoder_decoder import EncoderDecoder
from predictors.engines.ctranslate2_words import GrowingText
from predictors.engines.spare_memory import SpareMemory
from predictors.engines.streams import Put, parts_of
from predictors.models.manifest import read_description
from predictors.scheduling.batching import MicroBatcher
from predictors.scheduling.cores import Cores
from predictors.scheduling.request import current_request

# So many characters take a tokenizer about a millisecond.
_SHORT = 2000


@dataclass(frozen=True)
class _Loaded:
    """model: what is particular to the kind of checkpoint."""

    model: EncoderDecoder | Decoder
    tokens: Tokens
    batcher: MicroBatcher[Any, Any, list[str]]
    info: EngineInfo
    spare: SpareMemory


class CTranslate2:
    """A converted folder, with one worker for each of `threads` CPU threads (of a GPU: one).

    context: tokens that a prompt and its answer share at most in a causal model.  cores: those that
    it shares with other models of the process.
    """

    def __init__(
        self,
        path: Path,
        model: str,
        *,
        threads: int,
        device: str = "auto",
        context: int = 2048,
        cores: Cores | None = None,
    ) -> None:
        self._path = path
        self._model = model
        self._threads = threads
        self._device = device
        self._context = context
        self._cores = cores
        self._loaded: _Loaded | None = None

    def load(self) -> None:
        description = read_description(self._path)
        tokens = load_tokens(self._path)
        device = self._device if self._device != "auto" else _best_device()
        on_cpu = device == "cpu"
        workers = self._threads if on_cpu else 1
        model: EncoderDecoder | Decoder
        if description.is_encoder_decoder:
            translator = self._open("Translator", device, workers)
            model = EncoderDecoder(translator, tokens, description, self._model)
        else:
            generator = self._open("Generator", device, workers)
            model = Decoder(generator, tokens, description, self._model, self._context)
        batcher = MicroBatcher[Any, Any, list[str]](
            model.run,
            workers=workers,
            cores=self._cores if on_cpu else None,
            tokens=model.tokens_of,
        )
        info = description.engine_info(self._model, model.context, device)
        spare = SpareMemory(lambda: not batcher.items)
        self._loaded = _Loaded(model, tokens, batcher, info, spare)

    def close(self) -> None:
        loaded, self._loaded = self._loaded, None
        if loaded is not None:
            loaded.spare.close()
            loaded.batcher.close()

    @property
    def info(self) -> EngineInfo:
        return self._ready().info

    async def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> list[str]:
        """One text per prompt. Raises TooLarge for a prompt that the model has no room for."""
        loaded = self._ready()
        jobs = await aside(
            sum(map(size_of, prompts)),
            lambda: [loaded.model.prepare(prompt, sampling) for prompt in prompts],
            _SHORT,
        )
        try:
            answers = await loaded.batcher.submit(jobs)
        finally:
            loaded.spare.note(is_large=len(jobs) > 1 or loaded.batcher.items > 0)
        _count([job.tokens for _, job in jobs], answers)
        # A token stands for a few characters.
        return await aside(
            4 * sum(map(len, answers)),
            lambda: [cut_at_stop(loaded.tokens.decode(answer), sampling) for answer in answers],
            _SHORT,
        )

    async def stream(self, prompt: Prompt, sampling: Sampling) -> AsyncGenerator[str, None]:
        """Token by token from a causal model; what is searched by beams comes whole."""
        model = self._ready().model
        if isinstance(model, Decoder):
            speaking = parts_of(lambda put: self._speak(model, prompt, sampling, put))
            async with aclosing(speaking) as parts:
                async for part in parts:
                    yield part
        else:
            [text] = await self.generate([prompt], sampling)
            yield text

    async def _speak(self, model: Decoder, prompt: Prompt, sampling: Sampling, put: Put) -> None:
        loaded = self._ready()
        key, job = await aside(size_of(prompt), lambda: model.prepare(prompt, sampling), _SHORT)
        text = GrowingText(loaded.tokens, sampling.stop, put)
        try:
            [answer] = await loaded.batcher.submit([(key, replace(job, reader=text))])
            _count([job.tokens], [answer])
            text.end(cut_at_stop(loaded.tokens.decode(answer), sampling))
        finally:
            text.leave()

    async def count_tokens(self, prompt: Prompt) -> int:
        read = self._ready().model.read
        return len(await aside(size_of(prompt), lambda: read(prompt), _SHORT))

    def _ready(self) -> _Loaded:
        if self._loaded is None:
            raise NotReady(f"{self._model}: not loaded yet")
        return self._loaded

    def _open(self, kind: str, device: str, workers: int) -> Any:
        """The class `kind` of CTranslate2 on the folder. Raises ModelError."""
        import ctranslate2

        try:
            return getattr(ctranslate2, kind)(
                str(self._path), device=device, inter_threads=workers, intra_threads=1
            )
        except (RuntimeError, ValueError) as err:
            raise ModelError(
                f"{self._model}: CTranslate2 cannot load it on {device}: {err}"
            ) from err


def _count(read: Sequence[int], answers: Sequence[Sequence[str]]) -> None:
    current_request().spent.count(sum(read), sum(map(len, answers)))


def _best_device() -> str:
    import ctranslate2

    return "cuda" if ctranslate2.get_cuda_device_count() else "cpu"

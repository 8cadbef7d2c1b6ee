"""Engine on CTranslate2: converted checkpoints, int8 on CPU and float16 on GPU.

It reads a folder that `parley models convert` made: weights, tokenizer and manifest. No torch and
no transformers are imported. Requests are batched across callers; each worker has one thread of its
own (figures in the README of predictors/models). A sampling's seed is not honoured: CTranslate2
seeds the random numbers of a thread once. Temperature 0 is reproducible.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

from graph.asgi import aside
from graph.errors import ModelError
from predictors.checkpoints.description import CheckpointDescription
from predictors.checkpoints.generation import cut_at_stop
from predictors.checkpoints.tokens import Tokens
from predictors.engine import Prompt, Sampling, size_of
from predictors.engines.converted import SHORT, ConvertedEngine, Model, Opened, count
from predictors.engines.ctranslate2_decoder import Decoder
from predictors.engines.ctranslate2_encoder_decoder import EncoderDecoder
from predictors.engines.ctranslate2_words import GrowingText
from predictors.engines.streams import Put, parts_of
from predictors.scheduling.batching import MicroBatcher
from predictors.scheduling.calls import whole
from predictors.scheduling.cores import Cores


class CTranslate2(ConvertedEngine):
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
        super().__init__(path, model)
        self._threads = threads
        self._device = device
        self._context = context
        self._cores = cores

    def open(self, description: CheckpointDescription, tokens: Tokens) -> Opened:
        device = self._device if self._device != "auto" else _best_device()
        on_cpu = device == "cpu"
        workers = self._threads if on_cpu else 1
        model: Model
        if description.is_encoder_decoder:
            translator = self._open("Translator", device, workers)
            model = EncoderDecoder(translator, tokens, description, self._model)
        else:
            generator = self._open("Generator", device, workers)
            model = Decoder(generator, tokens, description, self._model, self._context)
        batcher = MicroBatcher[Any, Any, list[str]](
            whole(model.run),
            workers=workers,
            cores=self._cores if on_cpu else None,
            tokens=model.tokens_of,
        )
        return Opened(model, batcher, device)

    async def stream(self, prompt: Prompt, sampling: Sampling) -> AsyncGenerator[str, None]:
        """Token by token from a causal model; what is searched by beams comes whole."""
        model = self.ready().opened.model
        if isinstance(model, Decoder):
            speaking = parts_of(lambda put: self._speak(model, prompt, sampling, put))
            async with aclosing(speaking) as parts:
                async for part in parts:
                    yield part
        else:
            [text] = await self.generate([prompt], sampling)
            yield text

    async def _speak(self, model: Decoder, prompt: Prompt, sampling: Sampling, put: Put) -> None:
        loaded = self.ready()
        key, job = await aside(size_of(prompt), lambda: model.prepare(prompt, sampling), SHORT)
        text = GrowingText(loaded.tokens, sampling.stop, put)
        try:
            [answer] = await loaded.opened.batcher.submit([(key, replace(job, reader=text))])
            count([job.tokens], [answer])
            text.end(cut_at_stop(loaded.tokens.decode(answer), sampling))
        finally:
            text.leave()

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


def _best_device() -> str:
    import ctranslate2

    return "cuda" if ctranslate2.get_cuda_device_count() else "cpu"

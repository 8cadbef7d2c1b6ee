"""What the engines that read a conversion have in common: requests share batches across callers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from graph.asgi import aside
from graph.errors import NotReady
from predictors.checkpoints.description import CheckpointDescription
from predictors.checkpoints.generation import cut_at_stop
from predictors.checkpoints.tokens import Tokens, load_tokens
from predictors.engine import EngineInfo, Prompt, Sampling, size_of
from predictors.engines.spare_memory import SpareMemory, trim
from predictors.models.manifest import read_description
from predictors.scheduling.batching import MicroBatcher
from predictors.scheduling.request import current_request

# So many characters take a tokenizer about a millisecond.
SHORT = 2000


class Model(Protocol):
    """What is particular to an engine and to the kind of checkpoint."""

    @property
    def context(self) -> int: ...

    def read(self, prompt: Prompt) -> list[str]:
        """The tokens that the model reads."""
        ...

    def prepare(self, prompt: Prompt, sampling: Sampling) -> tuple[Any, Any]:
        """What all jobs of a batch share, and a job, which says how many tokens it reads.

        Raises EngineError, and TooLarge.
        """
        ...

    def tokens_of(self, job: Any) -> int:
        """How many the job reads."""
        ...


@dataclass(frozen=True)
class Opened:
    """give_back: gives the memory of large batches back to the system, from any thread."""

    model: Model
    batcher: MicroBatcher[Any, Any, list[str]]
    device: str
    give_back: Callable[[], None] = trim


@dataclass(frozen=True)
class Loaded:
    opened: Opened
    tokens: Tokens
    info: EngineInfo
    spare: SpareMemory


class ConvertedEngine(ABC):
    """path: the folder of the conversion.  model: its name for users."""

    def __init__(self, path: Path, model: str) -> None:
        self._path = path
        self._model = model
        self._loaded: Loaded | None = None

    @abstractmethod
    def open(self, description: CheckpointDescription, tokens: Tokens) -> Opened:
        """Raises ModelError."""

    def load(self) -> None:
        description = read_description(self._path)
        tokens = load_tokens(self._path)
        opened = self.open(description, tokens)
        info = description.engine_info(self._model, opened.model.context, opened.device)
        spare = SpareMemory(lambda: not opened.batcher.items, opened.give_back)
        self._loaded = Loaded(opened, tokens, info, spare)

    def close(self) -> None:
        loaded, self._loaded = self._loaded, None
        if loaded is not None:
            loaded.spare.close()
            loaded.opened.batcher.close()

    @property
    def info(self) -> EngineInfo:
        return self.ready().info

    async def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> list[str]:
        """One text per prompt. Raises TooLarge for a prompt that the model has no room for."""
        loaded = self.ready()
        model, batcher = loaded.opened.model, loaded.opened.batcher
        jobs = await aside(
            sum(map(size_of, prompts)),
            lambda: [model.prepare(prompt, sampling) for prompt in prompts],
            SHORT,
        )
        try:
            answers = await batcher.submit(jobs)
        finally:
            loaded.spare.note(is_large=len(jobs) > 1 or batcher.items > 0)
        count([job.tokens for _, job in jobs], answers)
        # A token stands for a few characters.
        return await aside(
            4 * sum(map(len, answers)),
            lambda: [cut_at_stop(loaded.tokens.decode(answer), sampling) for answer in answers],
            SHORT,
        )

    async def count_tokens(self, prompt: Prompt) -> int:
        read = self.ready().opened.model.read
        return len(await aside(size_of(prompt), lambda: read(prompt), SHORT))

    def ready(self) -> Loaded:
        """Raises NotReady before `load` and after `close`."""
        if self._loaded is None:
            raise NotReady(f"{self._model}: not loaded yet")
        return self._loaded


def count(read: Sequence[int], answers: Sequence[Sequence[str]]) -> None:
    """Tell the request at work how many tokens were read and written for it."""
    current_request().spent.count(sum(read), sum(map(len, answers)))

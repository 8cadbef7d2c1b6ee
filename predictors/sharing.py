"""What the predictors of one process share: its cores, and the engine of a model that several name.

Two translators of one model would hold its weights twice. Here they have one engine, which the
first of them loads and the last one closes; each of them is ready, fails and ends for itself.
"""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator, Callable, Hashable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from graph.errors import NotReady
from predictors.engine import Engine, EngineInfo, Prompt, Sampling, text_in_parts
from predictors.scheduling.cores import Cores
from predictors.scheduling.cpu import cpu_limit

# An engine for requests of so many tokens from so many predictors.
Make = Callable[[int, int], Engine]


class Engines:
    """One engine for all that want the same."""

    def __init__(self) -> None:
        self._joint: dict[Hashable, _Joint] = {}

    def one(self, same: Hashable, make: Make, *, model: str, context: int) -> Engine:
        """An engine, not yet loaded, which it shares with everybody who gives the same `same`.

        It is made when it is loaded, for all that have asked for it until then, with the context of
        the one who wants most tokens.  model: its name for users.
        """
        joint = self._joint.setdefault(same, _Joint(make))
        joint.contexts.append(context)
        return _Share(joint, model, context)


@dataclass(frozen=True)
class Shared:
    """cores: by default those that this process may keep busy."""

    cores: Cores = field(default_factory=lambda: Cores(cpu_limit()))
    engines: Engines = field(default_factory=Engines)


class _Joint:
    """An engine and how many use it. Its users load and close it from any thread."""

    def __init__(self, make: Make) -> None:
        self.contexts: list[int] = []
        self._make = make
        self._engine: Engine | None = None
        self._users = 0
        self._lock = threading.Lock()

    def load(self) -> Engine:
        with self._lock:
            if self._engine is None:
                engine = self._make(max(self.contexts), len(self.contexts))
                engine.load()
                self._engine = engine
            self._users += 1
            return self._engine

    def leave(self) -> None:
        with self._lock:
            self._users -= 1
            if self._engine is not None and not self._users:
                engine, self._engine = self._engine, None
                engine.close()


@dataclass(frozen=True)
class _Loaded:
    engine: Engine
    info: EngineInfo


class _Share:
    """One user's part of an engine: the engine itself, as this user asked for it."""

    def __init__(self, joint: _Joint, model: str, context: int) -> None:
        self._joint = joint
        self._model = model
        self._context = context
        self._loaded: _Loaded | None = None

    def load(self) -> None:
        engine = self._joint.load()
        info = engine.info
        if not info.is_encoder_decoder:
            info = replace(info, context=min(info.context, self._context))
        self._loaded = _Loaded(engine, info)

    def close(self) -> None:
        """Take nothing new. What is at work goes on, unless nobody else uses the engine."""
        loaded, self._loaded = self._loaded, None
        if loaded is not None:
            self._joint.leave()

    @property
    def info(self) -> EngineInfo:
        return self._ready().info

    async def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> list[str]:
        return await self._ready().engine.generate(prompts, sampling)

    async def stream(self, prompt: Prompt, sampling: Sampling) -> AsyncGenerator[str, None]:
        async with aclosing(text_in_parts(self._ready().engine, prompt, sampling)) as parts:
            async for part in parts:
                yield part

    async def count_tokens(self, prompt: Prompt) -> int:
        return await self._ready().engine.count_tokens(prompt)

    def _ready(self) -> _Loaded:
        if self._loaded is None:
            raise NotReady(f"{self._model}: not loaded yet")
        return self._loaded

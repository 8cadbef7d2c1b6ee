"""Whether an engine works: its answers tell, and a probe of one token where they tell too little.

Failures in a row that are the engine's own make it not ready, so that no request comes to it any
more. Then it is asked for one token, again and again; an answer makes it ready, and without one it
is dead: liveness fails, and the container is started anew. Calls that were given up unanswered are
no failure, for their callers may have been in a hurry, but a few in a row are a reason to probe.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

from graph.errors import EngineError, NotReady, ParleyError
from predictors.engine import (
    Engine,
    EngineInfo,
    Message,
    Prompt,
    Sampling,
    Translation,
    text_in_parts,
)
from predictors.scheduling.request import current_request

log = logging.getLogger(__name__)

_ONE_TOKEN = Sampling(max_tokens=1, temperature=0.0)


@dataclass(frozen=True)
class Probing:
    """in_a_row: failures, or unanswered calls, that lead to a probe.

    seconds: in which one token must have come, however much waits before it.  pauses: seconds
    before each probe after the first; the engine is dead when the last one has failed.
    """

    in_a_row: int = 3
    seconds: float = 30.0
    pauses: Sequence[float] = (1.0, 2.0, 4.0, 8.0)


@dataclass(frozen=True)
class Health:
    """ready: whether requests should come.  alive: false where only a new process helps.

    failed, unanswered: calls in a row.  problem: what was wrong last.
    """

    ready: bool = True
    alive: bool = True
    failed: int = 0
    unanswered: int = 0
    problem: str = ""


class WatchedEngine:
    """An engine, and its health as its calls show it."""

    def __init__(self, engine: Engine, probing: Probing = Probing()) -> None:
        self.engine = engine
        self.health = Health()
        self._settings = probing
        self._probe: asyncio.Task[None] | None = None

    def load(self) -> None:
        self.engine.load()

    def close(self) -> None:
        self.engine.close()

    @property
    def info(self) -> EngineInfo:
        return self.engine.info

    async def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> list[str]:
        with self._watching():
            answers = await self.engine.generate(prompts, sampling)
        self._recover()
        return answers

    async def stream(self, prompt: Prompt, sampling: Sampling) -> AsyncGenerator[str, None]:
        """Each part is an answer: whoever leaves after it was not left unanswered."""
        parts = text_in_parts(self.engine, prompt, sampling)
        try:
            while True:
                with self._watching():
                    part = await anext(parts, None)
                self._recover()
                if part is None:
                    return
                yield part
        finally:
            await parts.aclose()

    async def count_tokens(self, prompt: Prompt) -> int:
        return await self.engine.count_tokens(prompt)

    @contextmanager
    def _watching(self) -> Iterator[None]:
        """Note how a call of the engine fails, or that it was given up."""
        try:
            yield
        except asyncio.CancelledError:
            self._note(replace(self.health, unanswered=self.health.unanswered + 1))
            raise
        except Exception as err:
            if _is_engines_own(err):
                problem = _describe(err)
                current_request().spent.failures.append(type(err).__name__)
                self._note(replace(self.health, failed=self.health.failed + 1, problem=problem))
            raise

    def _note(self, health: Health) -> None:
        self.health = health
        most = self._settings.in_a_row
        if health.failed >= most and health.ready:
            log.warning("%s: not ready: %d failures in a row: %s", *self._told())
            self.health = replace(health, ready=False)
        if max(health.failed, health.unanswered) >= most and health.alive and self._probe is None:
            # The probe is nobody's request.
            self._probe = asyncio.get_running_loop().create_task(
                self._go_on_probing(), context=contextvars.Context()
            )

    def _recover(self) -> None:
        if not self.health.ready:
            log.warning("%s: ready again", self.info.model)
        self.health = Health()

    async def _go_on_probing(self) -> None:
        try:
            for pause in (0.0, *self._settings.pauses):
                await asyncio.sleep(pause)
                try:
                    async with asyncio.timeout(self._settings.seconds):
                        await self.engine.generate([_probe_of(self.info)], _ONE_TOKEN)
                except NotReady:
                    return  # it is being closed
                except Exception as err:
                    failed = self.health.failed + 1
                    self.health = replace(
                        self.health, ready=False, failed=failed, problem=_describe(err)
                    )
                else:
                    self._recover()
                    return
            self.health = replace(self.health, alive=False)
            log.critical("%s: dead after %d failures: %s; the process must end", *self._told())
        finally:
            self._probe = None

    def _told(self) -> tuple[str, int, str]:
        return self.engine.info.model, self.health.failed, self.health.problem


@runtime_checkable
class Watched(Protocol):
    """What a predictor has besides, if it has an engine that is watched."""

    @property
    def health(self) -> Health: ...


def health_of(engine: Engine) -> Health:
    """An engine that nobody watches is well."""
    return engine.health if isinstance(engine, WatchedEngine) else Health()


def _is_engines_own(err: Exception) -> bool:
    """Not what a request asks too much of, and not a text that the model has no answer to."""
    return not isinstance(err, ParleyError) or (
        isinstance(err, EngineError) and err.__cause__ is not None
    )


def _describe(err: Exception) -> str:
    if isinstance(err, TimeoutError):
        return "no token came in time"
    return str(err) if isinstance(err, ParleyError) else type(err).__name__


def _probe_of(info: EngineInfo) -> Prompt:
    if info.languages:
        return Translation("Hello", info.languages[0], info.languages[-1])
    return (Message("user", "Hello"),) if info.has_chat_template else "Hello"

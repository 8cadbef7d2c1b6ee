"""Predictors of one process that want the same engine have one, and each its own end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from graph.errors import ModelError, NotReady
from predictors.engine import GREEDY, Engine, EngineInfo, Prompt, Sampling, text_in_parts
from predictors.sharing import Engines


@dataclass
class Counted:
    """An Engine that counts its loads and answers when it may. made: what it was made for."""

    made: tuple[int, int]
    is_encoder_decoder: bool = False
    loads: int = 0
    closed: bool = False
    may: asyncio.Event = field(default_factory=asyncio.Event)

    def load(self) -> None:
        self.loads += 1

    def close(self) -> None:
        self.closed = True

    @property
    def info(self) -> EngineInfo:
        return EngineInfo("m", self.made[0], is_encoder_decoder=self.is_encoder_decoder)

    async def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> list[str]:
        await self.may.wait()
        return [f"said {prompt}" for prompt in prompts]

    async def count_tokens(self, prompt: Prompt) -> int:
        return len(str(prompt))


class Makes:
    """Makes engines, and keeps what it has made."""

    def __init__(self, is_encoder_decoder: bool = False) -> None:
        self.made: list[Counted] = []
        self._is_encoder_decoder = is_encoder_decoder

    def __call__(self, context: int, users: int) -> Engine:
        self.made.append(Counted((context, users), self._is_encoder_decoder))
        return self.made[-1]


def both(make: Makes, contexts: tuple[int, int] = (8, 8)) -> list[Engine]:
    engines = Engines()
    return [engines.one("same", make, model="m", context=context) for context in contexts]


async def test_it_is_loaded_once_and_closed_by_the_last() -> None:
    make = Makes()
    first, second = both(make)
    for engine in (first, second):
        engine.load()
    [engine] = make.made
    assert (engine.loads, engine.made) == (1, (8, 2))
    first.close()
    first.close()
    assert not engine.closed and await second.count_tokens("Hi") == 2
    second.close()
    assert engine.closed


async def test_who_has_closed_it_is_refused_and_the_other_is_served() -> None:
    make = Makes()
    first, second = both(make)
    with pytest.raises(NotReady, match="m: not loaded yet"):
        _ = first.info
    for engine in (first, second):
        engine.load()
    make.made[0].may.set()
    first.close()
    with pytest.raises(NotReady, match="m: not loaded yet"):
        await first.generate(["Hi"], GREEDY)
    assert await second.generate(["Hi"], GREEDY) == ["said Hi"]


async def test_what_is_at_work_for_one_that_is_closed_is_answered() -> None:
    make = Makes()
    first, second = both(make)
    for engine in (first, second):
        engine.load()
    asked = asyncio.create_task(first.generate(["Hi"], GREEDY))
    await asyncio.sleep(0)
    first.close()
    make.made[0].may.set()
    assert await asked == ["said Hi"]


async def test_what_the_engine_cannot_stream_comes_whole_and_what_it_can_in_parts() -> None:
    class Streams(Counted):
        async def stream(self, prompt: Prompt, sampling: Sampling) -> AsyncGenerator[str, None]:
            for part in ("said ", str(prompt)):
                yield part

    for kind, parts in ((Counted, ["said Hi"]), (Streams, ["said ", "Hi"])):
        engine = kind((8, 1))
        engine.may.set()
        share = Engines().one("same", lambda *_, made=engine: made, model="m", context=8)
        share.load()
        assert [part async for part in text_in_parts(share, "Hi", GREEDY)] == parts


def test_those_that_load_side_by_side_load_it_once() -> None:
    make, together = Makes(), threading.Barrier(8)
    engines = Engines()
    shares = [engines.one("same", make, model="m", context=8) for _ in range(8)]

    def load(share: Engine) -> None:
        together.wait(30)
        share.load()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(load, shares))
    assert [engine.loads for engine in make.made] == [1]


def test_the_most_tokens_that_anyone_wants_are_there_and_each_has_its_own() -> None:
    make = Makes()
    shares = both(make, (2048, 4096))
    for share in shares:
        share.load()
    assert make.made[0].made == (4096, 2)
    assert [share.info.context for share in shares] == [2048, 4096]


def test_an_encoder_decoders_context_is_the_checkpoints_own() -> None:
    make = Makes(is_encoder_decoder=True)
    shares = both(make, (64, 128))
    for share in shares:
        share.load()
    assert [share.info.context for share in shares] == [128, 128]


def test_those_that_want_something_else_have_their_own() -> None:
    make, engines = Makes(), Engines()
    for same in ("int8", "float16"):
        engines.one(same, make, model="m", context=8).load()
    assert [engine.made for engine in make.made] == [(8, 1), (8, 1)]


def test_after_a_load_that_failed_the_next_one_tries_again() -> None:
    class Fails(Counted):
        def load(self) -> None:
            raise ModelError("m: damaged")

    made: list[Counted] = []

    def make(context: int, users: int) -> Engine:
        made.append((Counted if made else Fails)((context, users)))
        return made[-1]

    engines = Engines()
    first, second = (engines.one("same", make, model="m", context=8) for _ in range(2))
    with pytest.raises(ModelError, match="m: damaged"):
        first.load()
    second.load()
    first.close()
    assert not made[1].closed
    second.close()
    assert made[1].closed

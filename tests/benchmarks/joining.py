"""What it gains that texts join and leave a batch that is under way: answers of many lengths.

Clients ask one model again and again, for answers of 4 to 28 tokens. Once, what comes while a batch
is written joins it, and what is done is answered; once, a batch is answered whole and nothing joins
it, as where a library is given a list and gives a list.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from predictors.checkpoints.tokens import load_tokens
from predictors.engine import Sampling
from predictors.engines.openvino import OpenVINO
from predictors.models.manifest import read_description
from predictors.scheduling.batching import MicroBatcher
from predictors.scheduling.calls import Call
from predictors.scheduling.cpu import cpu_limit
from tests.benchmarks.load import percentile
from tests.benchmarks.reached import Joined, Pace
from tests.benchmarks.weights.searches import prefix_of

_LENGTHS = 4, 28
_BATCH = 32
_TURNS = 3


def measure(
    folder: str, family: str, search: str, texts: Sequence[str], clients: int, seconds: float
) -> Joined:
    """folder: of the conversion. The two ways are asked for the same work, and take turns."""
    path = Path(folder)
    engine = OpenVINO(path, family, threads=cpu_limit())
    opened = engine.open(read_description(path), load_tokens(path))
    asked = [prefix_of(family) + text for text in texts]
    ways = {joins: _Way() for joins in (False, True)}
    for _ in range(_TURNS):
        for joins, way in ways.items():
            asyncio.run(_ask(opened.model, joins, asked, clients, seconds / _TURNS, way))
    opened.batcher.close()
    return Joined(family, search, clients, ways[False].pace(), ways[True].pace())


@dataclass
class _Way:
    """What came of one of the two: seconds of each answer, tokens, seconds of all."""

    took: list[float] = field(default_factory=list)
    tokens: int = 0
    wall: float = 0.0

    def pace(self) -> Pace:
        return Pace(round(self.tokens / self.wall, 1), round(percentile(sorted(self.took), 0.5), 4))


async def _ask(
    model: Any, joins: bool, texts: Sequence[str], clients: int, seconds: float, way: _Way
) -> None:
    work = model.work if joins else lambda key, call: model.work(key, _Withheld(call))
    batcher = MicroBatcher[Any, Any, list[str]](
        work, batch=_BATCH, width=cpu_limit(), tokens=model.tokens_of, joins=joins
    )
    began = time.monotonic()

    async def client(number: int) -> None:
        dice = random.Random(number)
        while time.monotonic() - began < seconds:
            length = dice.randint(*_LENGTHS)
            job = model.prepare(dice.choice(texts), Sampling(max_tokens=length))
            asked = time.monotonic()
            [row] = await batcher.submit([job])
            way.took.append(time.monotonic() - asked)
            way.tokens += len(row)

    await asyncio.gather(*(client(number) for number in range(clients)))
    way.wall += time.monotonic() - began
    batcher.close()


class _Withheld:
    """A call whose answers are given at its end."""

    def __init__(self, call: Call[Any, Any, list[str]]) -> None:
        self._call = call
        self._kept: dict[int, list[str]] = {}
        self.take, self.drop_abandoned = call.take, call.drop_abandoned

    def answer(self, results: Mapping[int, list[str]]) -> None:
        self._kept |= results

    def end(self) -> bool:
        ends = self._call.end()
        if ends:
            self._call.answer(self._kept)
        return ends

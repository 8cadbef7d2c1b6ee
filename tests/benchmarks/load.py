"""Requests by the clock or one after the other, and what became of each.

Requests by the clock (an open loop) come whether or not earlier ones are answered, as people's do;
a loop that waits for its answers slows down with the service and hides how long a queue is.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx2

Instance = dict[str, Any]
Choose = Callable[[int], Instance]
TIMEOUT = 120.0
# Distinct messages, so that no cache of an engine answers for the model. All their numbers have
# four digits, for a longer number makes a longer prompt and a longer answer; and the step, a prime,
# spreads those of each load over the same range, so that two loads ask for the same work.
_FIRST, _NUMBERS, _STEP = 1000, 9000, 7919
ENGLISH = ("Hello, how are you?", "I like to cook.", "What is your name?", "It rains a lot today.")


@dataclass(frozen=True)
class Sample:
    """One request. status: 0 where no answer came.  late: seconds after which it was sent."""

    status: int
    seconds: float
    retry_after: str
    degraded: bool
    late: float = 0.0

    @property
    def answered(self) -> bool:
        return self.status == 200

    @property
    def refused(self) -> bool:
        return self.status == 503


def english(number: int) -> Instance:
    shown = _FIRST + number * _STEP % _NUMBERS
    return {"user_input": f"{ENGLISH[number % len(ENGLISH)]} ({shown})", "language": "en"}


async def ask(client: httpx2.AsyncClient, url: str, instance: Instance, due: float = 0) -> Sample:
    """due: the time of `time.monotonic` at which it should be sent; 0 is now."""
    started = time.monotonic()
    late = started - due if due else 0.0
    try:
        answer = await client.post(url, json={"instances": [instance]})
    except httpx2.HTTPError:
        return Sample(0, time.monotonic() - started, "", False, late)
    seconds = time.monotonic() - started
    degraded = answer.status_code == 200 and "degraded" in answer.json()["predictions"][0]
    retry_after = answer.headers.get("retry-after", "")
    return Sample(answer.status_code, seconds, retry_after, degraded, late)


async def closed_loop(url: str, choose: Choose, workers: int, seconds: float) -> list[Sample]:
    """Each worker asks again as soon as it is answered, until the time is over."""
    end = time.monotonic() + seconds
    samples: list[Sample] = []

    async def work(first: int) -> None:
        number = first
        while time.monotonic() < end:
            samples.append(await ask(client, url, choose(number)))
            number += workers

    async with open_client() as client, asyncio.TaskGroup() as tasks:
        for first in range(workers):
            tasks.create_task(work(first))
    return samples


async def open_loop(
    url: str, choose: Choose, rate: float, seconds: float, seed: int = 1
) -> list[Sample]:
    """`rate` requests a second on average, with the gaps of independent people (Poisson)."""
    dice = random.Random(seed)
    tasks: list[asyncio.Task[Sample]] = []
    async with open_client() as client:
        due = started = time.monotonic()
        while due < started + seconds:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            tasks.append(asyncio.create_task(ask(client, url, choose(len(tasks)), due)))
            due += dice.expovariate(rate)
        return list(await asyncio.gather(*tasks))


def open_client() -> httpx2.AsyncClient:
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=100)
    return httpx2.AsyncClient(timeout=TIMEOUT, limits=limits, trust_env=False)


def percentile(values: Sequence[float], part: float) -> float:
    """The value below which `part` (0..1) of the values lie; not a number where there is none."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, math.ceil(part * len(ordered)) - 1)]


def answered_seconds(samples: Sequence[Sample]) -> list[float]:
    return [sample.seconds for sample in samples if sample.answered]

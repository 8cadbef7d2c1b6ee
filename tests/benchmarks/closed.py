"""A closed loop of clients: each asks again as soon as it is answered, until the time is over.

Nothing counts before the clients are where a service that runs for long has them: some requests
just begun, some nearly done. That is so when each has been answered once. What is under way at the
end is given up: a system that needs a minute for an answer would make a row of a minute for each of
its clients otherwise. So what came is divided by the time between answers, not by the row's.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx2

from tests.benchmarks.jobs import Job, Load
from tests.benchmarks.load import open_client

# The fields of an answer that hold what the last model of a system said, the last first.
_FIELDS = ("response", "user_input_en", "text")


class WrongAnswer(Exception):
    """An answer that is none; one line."""


@dataclass
class _Record:
    """What came until now. started: when each request that is under way was sent, by client.

    answered: the clients that have an answer; ramped is set when these are all.
    last: the time of the last answer, zero before the first.
    """

    clients: int
    seconds: list[float] = field(default_factory=list)
    started: dict[int, float] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)
    answered: set[int] = field(default_factory=set)
    ramped: asyncio.Event = field(default_factory=asyncio.Event)
    failed: int = 0
    refused: int = 0
    error: str = ""
    last: float = 0.0

    def fail(self, who: int, error: str) -> None:
        del self.started[who]
        self.failed += 1
        self.error = self.error or error
        self._has_answer(who)

    def succeed(self, who: int) -> None:
        self.last = time.monotonic()
        self.seconds.append(self.last - self.started.pop(who))
        self._has_answer(who)

    def _has_answer(self, who: int) -> None:
        self.answered.add(who)
        if len(self.answered) == self.clients:
            self.ramped.set()


def _nothing() -> None:
    pass


async def run_closed(url: str, job: Job, mark: Callable[[], None] = _nothing) -> Load:
    """What came of a job at a URL. mark: called when it begins to count, and when it ends.

    A client that is refused asks again when it was told to; one that gets no proper answer stops.
    """
    record = _Record(job.clients)
    numbers = iter(range(job.most))
    async with open_client() as client:
        tasks = [
            asyncio.create_task(_ask_on(client, url, job, numbers, record, who))
            for who in range(job.clients)
        ]
        began = time.monotonic()
        if job.ramp:
            began = await _ramp(record, job.ramp) or began
        counts = time.monotonic()
        mark()
        if tasks:
            await asyncio.wait(tasks, timeout=job.seconds)
        else:
            # Nobody asks: what the system still holds then is what is measured.
            await asyncio.sleep(job.seconds)
        ended = time.monotonic()
        mark()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return Load(
        seconds=record.seconds,
        cut=[ended - started for started in record.started.values()],
        wall=(record.last if record.seconds else ended) - began,
        window=ended - counts,
        failed=record.failed,
        refused=record.refused,
        error=record.error,
        answers=record.answers,
    )


async def _ramp(record: _Record, seconds: float) -> float:
    """The time of the last answer before those that count; zero where there was none.

    What a system then answers it has worked on since the first request.
    """
    try:
        await asyncio.wait_for(record.ramped.wait(), seconds)
    except TimeoutError:
        pass
    record.seconds.clear()
    return record.last


async def _ask_on(
    client: httpx2.AsyncClient,
    url: str,
    job: Job,
    numbers: Iterator[int],
    record: _Record,
    who: int,
) -> None:
    for number in numbers:
        text = job.texts[number % len(job.texts)]
        record.started[who] = time.monotonic()
        try:
            answer = await client.post(url, json={"instances": [{"user_input": text}]})
            if answer.status_code == 503:
                del record.started[who]
                record.refused += 1
                await asyncio.sleep(float(answer.headers.get("retry-after", 1)))
                continue
            record.answers.setdefault(text, said(answer.status_code, answer.content))
        except (httpx2.HTTPError, WrongAnswer) as err:
            record.fail(who, f"{type(err).__name__}: {err}"[:300])
            return
        record.succeed(who)


def said(status: int, content: bytes) -> str:
    """The text of an answer. Raises WrongAnswer for one that is no whole answer of the system."""
    if status != 200:
        raise WrongAnswer(f"answered {status}: {content[:200].decode(errors='replace')}")
    prediction = _first(httpx2.Response(200, content=content).json())
    if prediction.get("degraded"):
        raise WrongAnswer(f"degraded: {prediction['degraded']}")
    for name in _FIELDS:
        if prediction.get(name):
            return str(prediction[name])
    raise WrongAnswer(f"no text in {sorted(prediction)}")


def _first(answer: Any) -> dict[str, Any]:
    """The prediction of an answer of one; a list of them where a server adds nothing around it."""
    predictions = answer["predictions"] if isinstance(answer, dict) else answer
    return dict(predictions[0])

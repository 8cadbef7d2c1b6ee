"""A closed loop of clients: each asks again as soon as it is answered, until the time is over.

What is still under way then is given up, and the time that it had taken is kept: a system that
needs a minute for an answer would otherwise make a row of a minute for each of its clients.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
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
    """What came until now. started: when each request that is under way was sent, by client."""

    seconds: list[float] = field(default_factory=list)
    started: dict[int, float] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)
    failed: int = 0
    refused: int = 0
    error: str = ""
    last: float = 0.0

    def fail(self, error: str) -> None:
        self.failed += 1
        self.error = self.error or error


async def run_closed(url: str, job: Job) -> Load:
    """What came of a job at a URL.

    A client that is refused asks again when it was told to; one that gets no proper answer stops.
    """
    record = _Record()
    began = time.monotonic()
    numbers = iter(range(job.most))
    async with open_client() as client:
        tasks = [
            asyncio.create_task(_ask_on(client, url, job, numbers, record, who))
            for who in range(job.clients)
        ]
        await asyncio.wait(tasks, timeout=job.seconds)
        ended = time.monotonic()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    cut = [ended - started for started in record.started.values()]
    wall = (record.last or ended) - began
    return Load(
        seconds=record.seconds,
        cut=cut,
        wall=wall,
        failed=record.failed,
        refused=record.refused,
        error=record.error,
        answers=record.answers,
    )


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
            del record.started[who]
            record.fail(f"{type(err).__name__}: {err}"[:300])
            return
        record.last = time.monotonic()
        record.seconds.append(record.last - record.started.pop(who))


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

"""`make soak`: people talk for half an hour, and nothing grows, slows down or fails.

Real models answer, in one process of `parley serve`, at a part of the load that saturates. Each
fifth of the time is compared with the first one: answers, their time, and the memory held. The exit
code is 1 where an answer was none.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tests.benchmarks.load import (
    Instance,
    Sample,
    answered_seconds,
    closed_loop,
    open_loop,
    percentile,
)
from tests.benchmarks.service import Service, serving

PARTS = 5
# Of the load that saturates. People would not stay where they wait in a queue all the time.
LOAD = 0.5
MESSAGES: tuple[Instance, ...] = (
    {"user_input": "Hello, how are you?"},
    {"user_input": "Bonjour, comment vas-tu ?"},
    {"user_input": "What do you like to eat?", "history": ["Hello", "Hello! How are you?"]},
    {"user_input": "J'aime beaucoup la musique. Et toi ?", "language": "fr"},
)


@dataclass(frozen=True)
class Part:
    """One fifth: how often each status came (0 is no answer), times in seconds, bytes held."""

    statuses: dict[int, int]
    degraded: int
    median: float
    p95: float
    memory: int

    @property
    def failed(self) -> int:
        return sum(count for status, count in self.statuses.items() if status != 200)


def mixed(number: int) -> Instance:
    return MESSAGES[number % len(MESSAGES)]


async def measure(service: Service, seconds: float, load: float) -> list[Part]:
    """Parts, in order; they take `seconds` together. load: of the one that saturates."""
    warm = max(10.0, seconds / 60)
    samples = await closed_loop(service.url, mixed, 2, warm)
    rate = load * len(answered_seconds(samples)) / warm
    print(f"saturating load: {rate / load:.2f} turns a second; soaked with {rate:.2f}", flush=True)
    parts = []
    for number in range(PARTS):
        samples = await open_loop(service.url, mixed, rate, seconds / PARTS, seed=number)
        parts.append(_part(samples, service.resident_bytes))
        print(describe(parts[-1], number), flush=True)
    return parts


def _part(samples: Sequence[Sample], memory: int) -> Part:
    seconds = answered_seconds(samples)
    return Part(
        statuses=dict(Counter(sample.status for sample in samples)),
        degraded=sum(sample.degraded for sample in samples),
        median=percentile(seconds, 0.5),
        p95=percentile(seconds, 0.95),
        memory=memory,
    )


def describe(part: Part, number: int) -> str:
    return (
        f"part {number + 1} of {PARTS}: by status {part.statuses}, degraded {part.degraded}, "
        f"median {part.median:.2f} s, p95 {part.p95:.2f} s, {part.memory >> 20} MiB"
    )


def compare(parts: Sequence[Part]) -> str:
    first, last = parts[0], parts[-1]
    return (
        f"the last part beside the first: median {last.median / first.median:.2f} times, "
        f"memory {last.memory / first.memory:.3f} times; "
        f"{sum(part.failed for part in parts)} turns failed"
    )


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="tests.benchmarks.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=1800, help="length of the soak")
    parser.add_argument("--load", type=float, default=LOAD, help="of the one that saturates")
    parser.add_argument("file", nargs="?", default="", help="YAML of the graph (default: embedded)")
    options = parser.parse_args(argv)
    with serving(*([options.file] if options.file else [])) as service:
        parts = asyncio.run(measure(service, options.seconds, options.load))
    print(compare(parts))
    return 1 if any(part.failed for part in parts) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

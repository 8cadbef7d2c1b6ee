"""What the machine can do, and how near the engines come to it.

`python -m tests.benchmarks.limits FOLDER` prints what it found on the weights of a folder. It is a
process of its own, because torch measures the machine.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict
from functools import partial
from pathlib import Path

from tests.benchmarks import joining
from tests.benchmarks.engines_alone import Engines
from tests.benchmarks.reached import Joined, Limits, Loaded, Rate, Share
from tests.benchmarks.weights.searches import BEAMS, SEARCHES, beams_of
from tests.benchmarks.weights.store import Weights, read_weights
from tests.benchmarks.work import products, shape_of

_BATCHES = {"greedy": (1, 4, 16, 64), "beams": (1, 8, 32)}
_JOINING = (("marian", "beams"), ("blenderbot", "greedy"))
_JOINING_CLIENTS = 8
_JOINING_SECONDS = {"full": 4.0, "tiny": 1.0}
_READ_BYTES = 1 << 28
# The fastest counts, so that what others do on the machine meanwhile does not.
_RUNS = 30
# A batch of the chat's feed-forward layer.
_ROWS, _WIDTH, _INNER = 256, 1280, 5120
_GIGA = 1e9
# A batch that takes longer is not asked again.
_AGAIN_SECONDS = 2.0


def measure(weights: Weights) -> Limits:
    cores = os.cpu_count() or 1
    rates = [_rate(threads) for threads in sorted({1, cores})]
    shares: list[Share] = []
    loads: list[Loaded] = []
    for family in BEAMS:
        for search in SEARCHES:
            started = time.monotonic()
            with closing(Engines({family: weights.converted[search][family]})) as engines:
                loads.append(Loaded(family, round(time.monotonic() - started, 3)))
                shares += _shares(engines, weights, family, search, rates[-1])
    return Limits(rates, shares, _slowest(loads), list(_joins(weights)))


def _joins(weights: Weights) -> Iterator[Joined]:
    seconds = _JOINING_SECONDS[weights.size]
    for family, search in _JOINING:
        texts = weights.french if family == "marian" else weights.english
        folder = weights.converted[search][family]
        yield joining.measure(folder, family, search, texts, _JOINING_CLIENTS, seconds)


def _slowest(loads: Sequence[Loaded]) -> list[Loaded]:
    by_family = {each.family: each for each in sorted(loads, key=lambda each: each.seconds)}
    return list(by_family.values())


def _rate(threads: int) -> Rate:
    import torch

    torch.set_num_threads(threads)
    memory = torch.ones(_READ_BYTES // 4)
    read = _READ_BYTES / _best(memory.sum)
    del memory
    operations = 2 * _ROWS * _WIDTH * _INNER
    left, right = torch.rand(_ROWS, _WIDTH), torch.rand(_WIDTH, _INNER)
    fp32 = operations / _best(lambda: left @ right)
    bytes_left, bytes_right = ((200 * (each - 0.5)).to(torch.int8) for each in (left, right))
    int8 = operations / _best(lambda: torch._int_mm(bytes_left, bytes_right))
    return Rate(threads, *(round(each / _GIGA, 2) for each in (read, fp32, int8)))


def _best(run: Callable[[], object]) -> float:
    """Seconds of the fastest of some runs, after one that warms up."""
    run()
    return min(_timed(run) for _ in range(_RUNS))


def _timed(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def _shares(
    engines: Engines, weights: Weights, family: str, search: str, rate: Rate
) -> Iterator[Share]:
    shape = shape_of(Path(weights.sources[search][family]))
    texts = weights.french if family == "marian" else weights.english
    for batch in _BATCHES[search]:
        asked = [texts[i % len(texts)] for i in range(batch)]
        seconds = _timed(partial(engines.answer, asked))
        if seconds < _AGAIN_SECONDS:
            seconds = min(_timed(partial(engines.answer, asked)) for _ in range(3))
        floor = sum(
            each.seconds(rate.int8 * _GIGA, rate.read * _GIGA)
            for each in products(shape, family, search, batch)
        )
        rows = batch * beams_of(family, search)
        yield Share(family, search, batch, rows, round(seconds, 4), round(floor, 4))


def main(argv: Sequence[str]) -> int:
    """argv: the folder of the weights."""
    print(json.dumps(asdict(measure(read_weights(Path(argv[0]))))))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""How long each row is measured, and what a run takes beside its rows.

The seconds are those of two slow cores; a faster machine gets more answers into them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Duration:
    """ramp: seconds at most before anything counts; for engines that answer whole batches, what the
    last one may take after the end.  seconds: that count.
    """

    ramp: float
    seconds: float


# By search and clients.
Table = Mapping[str, Mapping[int, tuple[float, float]]]
WHOLE_SECONDS = 40 * 60.0
# What the limits and the gateway take, by the size of the weights.
LIMITS_SECONDS = {"full": 145.0, "tiny": 50.0}
GATEWAY_SECONDS = {"full": 240.0, "tiny": 40.0}
# Until the requests that were given up are off the system, and until it is ready at first.
_BESIDE, _BESIDE_RAY = 1.0, 6.0
_START = 6.0
_STARTS = {
    "ray": 45.0,
    "ray-on-loop": 45.0,
    "ray-stubs": 15.0,
    "ray-stubs-tuned": 15.0,
    "transformers": 15.0,
    "bentoml": 15.0,
    "litserve": 15.0,
}

PARLEY: Table = {
    "beams": {1: (3, 8), 8: (9, 14), 32: (20, 24), 64: (36, 30)},
    "greedy": {1: (2, 5), 8: (4, 8), 32: (8, 12), 64: (14, 16)},
}
ENGINES: Table = {
    "beams": {1: (2, 5), 8: (5, 8), 32: (14, 10), 64: (20, 10)},
    "greedy": {1: (1, 4), 8: (2, 5), 32: (5, 6), 64: (10, 6)},
}
TRANSFORMERS: Table = {"beams": {1: (8, 14)}, "greedy": {1: (4, 8)}}
# It answers five at once, whatever comes; the first five are to be over when the rows begin.
RAY: Table = {
    "beams": {1: (16, 16), 8: (36, 36), 32: (36, 36)},
    "greedy": {1: (8, 10), 8: (22, 24), 32: (22, 24)},
}
RAY_ENGLISH: Table = {"beams": {1: (8, 8)}, "greedy": {1: (4, 5)}}
ONE_MODEL_FAST: Table = {"beams": {1: (2, 5), 8: (3, 8), 32: (6, 12), 64: (10, 14)}}
ONE_MODEL_SLOW: Table = {"beams": {1: (3, 6), 8: (8, 14), 32: (12, 13), 64: (12, 12)}}
STUBS: Table = {"": {1: (1, 3), 8: (1, 3), 32: (1, 3), 64: (1, 3)}}
# Of Parley alone: its memory with many beams and when nobody asks any more, and what more clients
# than it needs make of it.
GROWTH: Table = {"beams": {32: (20, 10), 0: (0, 8)}, "greedy": {128: (16, 12), 256: (16, 12)}}


def duration(table: Table, search: str, clients: int, seconds: float) -> Duration:
    """seconds: somebody's own, or 0. Between two numbers of clients, the larger counts."""
    planned = table[search]
    near = min((c for c in planned if c >= clients), default=max(planned))
    ramp, asked = planned[near]
    return Duration(min(ramp, 2 * seconds), seconds) if seconds else Duration(ramp, asked)


def start_seconds(kind: str) -> float:
    """Until a system is ready, at most."""
    return _STARTS.get(kind, _START)


def beside_seconds(kind: str) -> float:
    """What a row takes beside its duration."""
    return _BESIDE_RAY if kind.startswith("ray") else _BESIDE

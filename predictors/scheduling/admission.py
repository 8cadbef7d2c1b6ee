"""Admission: a request is taken whole or refused whole, before anything of it is queued.

What is taken takes turns (`fairness.py`), so a request ends when every other one at work has had as
much as it asks for itself, or all that it wants. That sum, by the rate at which work was finished
of late, is how long it would take; over the bound it is refused at once, with the seconds until
there is room. An idle predictor takes every request.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from graph.errors import Overloaded
from graph.turn.timeouts import DEFAULT

# A turn waits at its slowest predictor and hardly at the others; what is left of it bounds those.
QUEUE_SECONDS = DEFAULT.turn / 2
# Seconds of work after which a measured rate counts for a third.
_MEMORY = 30.0
# The first requests wait for what is read from the disk once, and say little of those that follow.
_FIRST = 3


class Rate:
    """Cost finished per second of work, the latest counting most; None until three have ended."""

    def __init__(self) -> None:
        self._cost = 0.0
        self._seconds = 0.0
        self._ended = 0

    def note(self, cost: float, seconds: float) -> None:
        kept = math.exp(-seconds / _MEMORY)
        self._cost = self._cost * kept + cost
        self._seconds = self._seconds * kept + seconds
        self._ended += 1

    @property
    def per_second(self) -> float | None:
        if self._ended < _FIRST or not (self._cost and self._seconds):
            return None
        return self._cost / self._seconds


class Admission:
    """Takes at most `requests`, each of which would end within `seconds`; refuses the others.

    clock: seconds that never go back.
    """

    def __init__(
        self, *, requests: int, seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._requests = requests
        self._seconds = seconds
        self._clock = clock
        self._at_work: dict[object, float] = {}
        self._rate = Rate()
        self._noted = 0.0

    @property
    def at_work(self) -> int:
        return len(self._at_work)

    def take(self, cost: float, left: float = math.inf) -> AbstractContextManager[None]:
        """A place for a request of this cost, to be held for a block that follows at once.

        left: seconds until nobody waits for it.  Raises Overloaded.
        """
        self._check(cost, min(self._seconds, left))
        return self._hold(cost)

    @contextmanager
    def _hold(self, cost: float) -> Iterator[None]:
        if not self._at_work:
            self._noted = self._clock()
        place = object()
        self._at_work[place] = cost
        done = 0.0
        try:
            yield
            done = cost
        finally:
            del self._at_work[place]
            now = self._clock()
            # Time is noted also where nothing came of it: a model that fails or hangs is slow.
            self._rate.note(done, now - self._noted)
            self._noted = now

    def _check(self, cost: float, bound: float) -> None:
        if len(self._at_work) >= self._requests:
            raise Overloaded(f"{len(self._at_work)} requests are at work; try again later")
        rate = self._rate.per_second
        if not self._at_work or rate is None:
            return
        expected = (cost + sum(min(cost, other) for other in self._at_work.values())) / rate
        if expected > bound:
            raise Overloaded(
                f"{len(self._at_work)} requests are at work, and this one would take "
                f"{expected:.0f} s; try again later",
                retry_after=max(1.0, math.ceil(expected - bound)),
            )

"""How many turns may be under way at once.

One more is refused before anything is done for it. A step that refuses it half-way would waste what
the steps before it did, and under load that is work that others wait for.

Who is refused is told when to come again. By Little's law (Operations Research 9, 1961) places that
are all taken become free as often as there are places in the time that a turn takes, and each who
is refused is told a moment of its own of these: told the same second, all would come at once, again
and again, and their refusals would cost what the turns need.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from graph.errors import Overloaded
from graph.turn.timeouts import DEFAULT

# What a turn took counts for so much of what the next is expected to take.
_LATEST = 0.1
_LEAST, _MOST = 1.0, DEFAULT.turn / 2


class Places:
    """As many as `most`, for whoever comes first.  clock: seconds that never go back."""

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._taken = 0
        # Of a turn; zero until one has ended.
        self._seconds = 0.0
        # The last moment that somebody was told.
        self._told = 0.0

    @contextmanager
    def one(self) -> Iterator[None]:
        """Hold one for a block. Raises Overloaded."""
        if self._taken >= self._most:
            raise Overloaded(f"{self._taken} turns are under way; try again later", self._wait())
        self._taken += 1
        began = self._clock()
        try:
            yield
        finally:
            self._taken -= 1
            seconds = self._clock() - began
            known = self._seconds or seconds
            self._seconds = known + _LATEST * (seconds - known)

    def _wait(self) -> float:
        """Seconds until a place is free that nobody else was told of."""
        now = self._clock()
        self._told = max(self._told, now) + self._seconds / max(self._most, 1)
        # Whoever was told of a moment that lies too far ahead may not come.
        self._told = min(self._told, now + _MOST)
        return max(_LEAST, self._told - now)

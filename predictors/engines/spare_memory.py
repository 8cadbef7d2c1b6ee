"""Gives memory back to the system that large batches have left behind.

What an engine frees, glibc keeps for the next call; after 32 requests at once with ten beams these
were 300 MiB of Blenderbot's 700. To give it back takes about 70 ms of a thread, and the next call
has to ask for its own again, so that it is done only after a while in which nothing was asked.
"""

from __future__ import annotations

import asyncio
import ctypes
from collections.abc import Callable

QUIET_SECONDS = 5.0


def trim() -> None:
    """Have glibc give back what nobody uses; does nothing where the C library is another."""
    malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if malloc_trim is not None:
        malloc_trim(0)


class SpareMemory:
    """Belongs to one event loop's thread.

    is_idle: whether no call is at work.  seconds: how long it must be quiet before `give_back`.
    """

    def __init__(
        self,
        is_idle: Callable[[], bool],
        give_back: Callable[[], None] = trim,
        seconds: float = QUIET_SECONDS,
    ) -> None:
        self._is_idle = is_idle
        self._give_back = give_back
        self._seconds = seconds
        self._timer: asyncio.TimerHandle | None = None
        self._is_large = False

    def note(self, is_large: bool) -> None:
        """A call has ended, for several items at once or for one. One alone leaves little."""
        self._is_large = self._is_large or is_large
        self.close()
        if self._is_large:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._seconds, self._begin, loop)

    def close(self) -> None:
        """Forget what was to be done."""
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        # A call that is still at work is noted when it ends.
        if self._is_idle():
            self._is_large = False
            loop.run_in_executor(None, self._give_back)

"""A call of a model: the items that it works on together, seen from both of its threads.

The event loop's thread makes a call and may put more items into it while it runs; the thread that
works takes them, and answers each when it is done. `whole` is for work that takes a list and gives
a list.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from predictors.scheduling.request import Request
from predictors.scheduling.spent import Wait

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")
R = TypeVar("R")


@dataclass(eq=False)
class Entry(Generic[K, T, R]):
    """An item that somebody waits for.  owner: whose it is."""

    owner: Request
    key: K
    item: T
    answer: asyncio.Future[R]
    wait: Wait


class Call(Generic[K, T, R]):
    """entries: at least one, all of one key.  answered: told, on the loop's thread, when some are.

    is_open: whether more may come.
    """

    def __init__(
        self, entries: Sequence[Entry[K, T, R]], answered: Callable[[], None], *, is_open: bool
    ) -> None:
        self.key = entries[0].key
        self._loop = asyncio.get_running_loop()
        self._answered = answered
        self._lock = threading.Lock()
        # What is not done, by number: a call that is joined again and again may never end.
        self._entries = dict(enumerate(entries))
        self._taken = 0
        self._is_open = is_open
        # Everything that ever came.
        self.count = len(entries)
        # How many were answered together the last time.
        self.last = 0

    # For the loop's thread.

    @property
    def is_open(self) -> bool:
        """Whether it may take more."""
        return self._is_open

    @property
    def left(self) -> list[Entry[K, T, R]]:
        """What has no answer, and is still waited for."""
        with self._lock:
            return [entry for entry in self._entries.values() if not entry.answer.done()]

    def join(self, entries: Sequence[Entry[K, T, R]]) -> bool:
        """Put more into it; False where it takes nothing new any more."""
        with self._lock:
            if self._is_open:
                self._entries |= dict(enumerate(entries, self.count))
                self.count += len(entries)
            return self._is_open

    def close(self) -> None:
        """Take nothing new any more."""
        with self._lock:
            self._is_open = False

    # For the thread that works.

    def take(self) -> dict[int, T]:
        """What has come since it was asked last, each with its number."""
        with self._lock:
            begin, self._taken = self._taken, self.count
            return {i: self._entries[i].item for i in range(begin, self._taken)}

    def drop_abandoned(self, numbers: Sequence[int]) -> list[int]:
        """Those of these that nobody waits for any more, which are to be answered no more."""
        with self._lock:
            done = [number for number in numbers if self._entries[number].answer.done()]
            for number in done:
                del self._entries[number]
        return done

    def answer(self, results: Mapping[int, R]) -> None:
        """By their numbers."""
        if results and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._deliver, results)

    def end(self) -> bool:
        """Take nothing new any more, unless something has come that was not taken."""
        with self._lock:
            self._is_open = self._is_open and self._taken < self.count
            return self._taken == self.count

    def _deliver(self, results: Mapping[int, R]) -> None:
        with self._lock:
            answered = [(self._entries.pop(number), result) for number, result in results.items()]
        for entry, result in answered:
            if not entry.answer.done():
                entry.answer.set_result(result)
        self.last = len(results)
        self._answered()


Work = Callable[[K, Call[K, T, R]], None]


def whole(work: Callable[[K, list[T]], list[R]]) -> Work[K, T, R]:
    """Work on what a call begins with, as one list.

    It raises ValueError where the results are not as many as the items.
    """

    def run(key: K, call: Call[K, T, R]) -> None:
        items = call.take()
        results = work(key, list(items.values()))
        if len(results) != len(items):
            raise ValueError(f"{len(results)} results for {len(items)} items")
        call.answer(dict(zip(items, results, strict=True)))

    return run

"""Micro-batching across requests: items that wait at the same time share a call of the model.

A free worker takes at once the oldest item and all that can share its batch. It never waits for a
batch to fill, so a lone request is not delayed, and batches grow by themselves under load. All
state belongs to the event loop's thread, so there is no lock; the work itself runs on threads.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

from graph.errors import NotReady, Overloaded

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")
R = TypeVar("R")


@dataclass
class _Waiting(Generic[K, T, R]):
    key: K
    item: T
    answer: asyncio.Future[R]


class MicroBatcher(Generic[K, T, R]):
    """Runs `work(key, items)`, which blocks, for items of one key from any number of callers.

    batch: the most items of one call.  queue: the most items that may wait; a request over it is
    refused with Overloaded, unless nothing waits: then it is taken, however many items it has.
    workers: calls at a time.
    """

    def __init__(
        self,
        work: Callable[[K, list[T]], list[R]],
        *,
        batch: int = 16,
        queue: int = 1024,
        workers: int = 1,
    ) -> None:
        self._work = work
        self._batch = batch
        self._queue = queue
        self._idle = workers
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="batch")
        self._waiting: deque[_Waiting[K, T, R]] = deque()
        self._running: set[asyncio.Task[None]] = set()
        self._closed = False

    async def submit(self, key: K, items: Sequence[T]) -> list[R]:
        """One result per item, in order. Raises Overloaded, NotReady, or what the work raised.

        When the caller is cancelled, or one of its items fails, its other items drop out.
        """
        if self._closed:
            raise NotReady("the model is being closed")
        if not items:
            return []
        if self._waiting and len(self._waiting) + len(items) > self._queue:
            raise Overloaded(f"{len(self._waiting)} texts wait for the model; try again later")
        loop = asyncio.get_running_loop()
        entries = [_Waiting[K, T, R](key, item, loop.create_future()) for item in items]
        self._waiting.extend(entries)
        self._start()
        try:
            return list(await asyncio.gather(*(entry.answer for entry in entries)))
        finally:
            self._drop(entries)

    async def drain(self) -> None:
        """Take nothing new, and return when all that was taken is answered."""
        self._closed = True
        while self._running:
            await asyncio.wait(self._running)

    def close(self) -> None:
        """Take nothing new, and end the threads when their work is done."""
        self._closed = True
        self._threads.shutdown(wait=True)

    def _start(self) -> None:
        while self._idle and (batch := self._take()):
            self._idle -= 1
            task = asyncio.get_running_loop().create_task(self._run(batch))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    def _take(self) -> list[_Waiting[K, T, R]]:
        """The oldest item and those that can go with it, a fair share for each idle worker."""
        alive = [entry for entry in self._waiting if not entry.answer.done()]
        if not alive:
            self._waiting.clear()
            return []
        fitting = [entry for entry in alive if entry.key == alive[0].key]
        share = -(-len(fitting) // self._idle)
        batch = fitting[: min(share, self._batch)]
        taken = {id(entry) for entry in batch}
        self._waiting = deque(entry for entry in alive if id(entry) not in taken)
        return batch

    async def _run(self, batch: list[_Waiting[K, T, R]]) -> None:
        """Answer a batch. An error of any kind goes to the batch's callers, and only to them."""
        loop = asyncio.get_running_loop()
        items = [entry.item for entry in batch]
        try:
            results = await loop.run_in_executor(self._threads, self._work, batch[0].key, items)
            for entry, result in zip(batch, results, strict=True):
                if not entry.answer.done():
                    entry.answer.set_result(result)
        except Exception as err:
            for entry in batch:
                if not entry.answer.done():
                    entry.answer.set_exception(err)
        finally:
            self._idle += 1
            self._start()

    def _drop(self, entries: list[_Waiting[K, T, R]]) -> None:
        for entry in entries:
            if not entry.answer.cancel() and not entry.answer.cancelled():
                # Read, so that asyncio does not report it: the caller has the first error.
                entry.answer.exception()

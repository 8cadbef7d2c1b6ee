"""Micro-batching across requests: items that wait at the same time share a call of the model.

A free core (`cores.py`) takes at once what is next (`fairness.py`) and all that can share its
batch. It never waits for a batch to fill, so a lone request is not delayed, and batches grow by
themselves under load. It bounds nothing: what comes here was admitted before. All state belongs to
the event loop's thread, so there is no lock; the work itself runs on threads.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from operator import itemgetter
from typing import Generic, TypeVar

from graph.errors import NotReady
from predictors.scheduling.cores import Cores, Pace
from predictors.scheduling.fairness import FairQueue
from predictors.scheduling.request import current_request
from predictors.scheduling.spent import Wait

# Of the texts that one call reads. Sixteen sentences have a few hundred; sixteen prompts that fill
# a context of 4,096 would take gigabytes for their attention.
MOST_TOKENS = 8192

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")
R = TypeVar("R")


@dataclass(eq=False)
class _Entry(Generic[K, T, R]):
    key: K
    item: T
    answer: asyncio.Future[R]
    wait: Wait


class MicroBatcher(Generic[K, T, R]):
    """Runs `work(key, items)`, which blocks, for items of one key from any number of requests.

    batch: the most items of one call.  tokens: how much of a model's memory an item takes, if items
    differ in that; those of one call are padded to its longest, and have `MOST_TOKENS` at most
    together, or there is one.  workers: calls at a time.  width: cores that a call keeps
    busy.  cores: those that it shares with other models, by default enough of its own.  threads:
    where the work runs, by default threads of its own, as many as there are workers.  clock:
    seconds that never go back.
    """

    def __init__(
        self,
        work: Callable[[K, list[T]], list[R]],
        *,
        batch: int = 16,
        tokens: Callable[[T], int] | None = None,
        workers: int = 1,
        width: int = 1,
        cores: Cores | None = None,
        threads: Executor | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._work = work
        self._batch = batch
        self._tokens = tokens
        self.width = width
        self._idle = workers
        self._at_work = 0
        self._cores = cores or Cores(workers * width)
        self._threads = threads or ThreadPoolExecutor(workers, thread_name_prefix="batch")
        self._clock = clock
        self._pace = Pace()
        # Since when it has had something to do that no core has begun.
        self._since = 0.0
        self._waiting: FairQueue[K, _Entry[K, T, R]] = FairQueue()
        self._running: set[asyncio.Task[None]] = set()
        self._closed = False
        self._ended = False
        self._cores.join(self)

    @property
    def waiting(self) -> int:
        """Items that no worker has taken yet."""
        return len(self._waiting)

    async def submit(self, jobs: Sequence[tuple[K, T]]) -> list[R]:
        """One result per job, in order. Raises NotReady, or what the work raised.

        When the caller is cancelled, or one of its jobs fails, its other jobs drop out.
        """
        if self._closed:
            raise NotReady("the model is being closed")
        loop = asyncio.get_running_loop()
        request = current_request()
        wait = Wait(request.spent)
        entries = [_Entry[K, T, R](key, item, loop.create_future(), wait) for key, item in jobs]
        if not self._waiting:
            self._since = self._clock()
        for entry in entries:
            self._waiting.add(request, entry.key, entry)
        self._cores.share_out(len(entries))
        try:
            return list(await asyncio.gather(*(entry.answer for entry in entries)))
        finally:
            for entry in entries:
                self._waiting.remove(request, entry.key, entry)
                _let_go(entry.answer)

    async def drain(self) -> None:
        """Take nothing new, and return when all that was taken is answered."""
        self._closed = True
        while self._running:
            await asyncio.wait(self._running)

    def close(self) -> None:
        """Take nothing new, refuse what waits, and end the threads when their work is done."""
        # In this order, so that whoever is refused finds that nothing that waits begins either.
        self._ended = self._closed = True
        self._threads.shutdown(wait=True)
        if not self._running:
            self._leave()

    @property
    def items(self) -> int:
        """See `cores.Member`."""
        return len(self._waiting) + self._at_work

    def due(self) -> float | None:
        """See `cores.Member`."""
        if not (self._idle and self._waiting):
            return None
        items = min(self._waiting.count(self._waiting.next_kind()), self._batch)
        return self._since + self._pace.expected(items)

    def begin(self, most: int) -> None:
        """See `cores.Member`: what can go together."""
        batch = self._waiting.take(min(most, self._batch))
        self._idle -= 1
        self._at_work += len(batch)
        self._since = self._clock()
        task = asyncio.get_running_loop().create_task(self._run(batch))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _run(self, batch: list[_Entry[K, T, R]]) -> None:
        begun = self._clock()
        try:
            for part in self._parts(batch):
                await self._answer(part)
        finally:
            self._idle += 1
            self._at_work -= len(batch)
            self._cores.give_back(self.width, len(batch), self._clock() - begun)
            self._leave()

    def _parts(self, batch: list[_Entry[K, T, R]]) -> list[list[_Entry[K, T, R]]]:
        """What fits into one call: as it came where all of it does, else long with long."""
        if self._tokens is None:
            return [batch]
        sized = [(self._tokens(entry.item), entry) for entry in batch]
        if len(batch) * max(size for size, _ in sized) <= MOST_TOKENS:
            return [batch]
        parts: list[list[_Entry[K, T, R]]] = []
        longest = 0
        for size, entry in sorted(sized, key=itemgetter(0), reverse=True):
            if parts and (len(parts[-1]) + 1) * longest <= MOST_TOKENS:
                parts[-1].append(entry)
            else:
                parts.append([entry])
                longest = size
        return parts

    def _leave(self) -> None:
        """Have no part in the cores any more, once it is closed and nobody waits for a refusal."""
        if self._ended and not self._waiting:
            self._cores.leave(self)

    async def _answer(self, batch: list[_Entry[K, T, R]]) -> None:
        """Answer a batch. One that fails is tried again in halves, so that what the model cannot
        take fails alone; an error of any kind goes to the caller of that item, and only to it."""
        batch = [entry for entry in batch if not entry.answer.done()]
        if not batch:
            return
        try:
            results = await self._call(batch)
        except Exception as err:
            if len(batch) == 1:
                _fail(batch[0].answer, err)
                return
            middle = len(batch) // 2
            await self._answer(batch[:middle])
            await self._answer(batch[middle:])
        else:
            for entry, result in zip(batch, results, strict=True):
                if not entry.answer.done():
                    entry.answer.set_result(result)

    async def _call(self, batch: list[_Entry[K, T, R]]) -> list[R]:
        """One call of the work. Raises ValueError where it gives another number of results."""
        if self._ended:
            raise NotReady("the model is being closed")
        loop = asyncio.get_running_loop()
        items = [entry.item for entry in batch]
        for entry in batch:
            entry.wait.end()
        # Once for each call of the model, whoever's items go along.
        batch[0].wait.spent.batches.append(len(items))
        begun = self._clock()
        results = await loop.run_in_executor(self._threads, self._work, batch[0].key, items)
        self._pace.note(len(items), self._clock() - begun)
        if len(results) != len(items):
            raise ValueError(f"{len(results)} results for {len(items)} items")
        return results


def _fail(answer: asyncio.Future[R], err: Exception) -> None:
    if not answer.done():
        answer.set_exception(err)


def _let_go(answer: asyncio.Future[R]) -> None:
    """Leave a future that nobody waits for any more."""
    if not answer.cancel() and not answer.cancelled():
        # Read, so that asyncio does not report it: the caller has the first error.
        answer.exception()

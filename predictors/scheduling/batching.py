"""Batching across requests: items that wait at the same time share a call of the model.

A free core (`cores.py`) takes at once what is next (`fairness.py`) and all that can share its
batch. It never waits for a batch to fill, so a lone request is not delayed, and batches grow by
themselves under load. Where a model can take more while it is at work, what is next joins a call
that is under way, and whatever is done is answered at once (continuous batching). It bounds
nothing: what comes here was admitted before. All state belongs to the event loop's thread, so there
is no lock; the work itself runs on threads.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from operator import itemgetter
from typing import Generic, TypeVar

from graph.errors import NotReady
from predictors.scheduling.calls import Call, Entry, Work
from predictors.scheduling.cores import Cores, Next, Pace
from predictors.scheduling.fairness import FairQueue
from predictors.scheduling.request import current_request
from predictors.scheduling.spent import Wait

# Of the texts that one call reads. Sixteen sentences have a few hundred; sixteen prompts that fill
# a context of 4,096 would take gigabytes for their attention.
MOST_TOKENS = 8192

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")
R = TypeVar("R")


class MicroBatcher(Generic[K, T, R]):
    """Runs `work(key, call)`, which blocks, for items of one key from any number of requests.

    batch: the most items of one call.  tokens: how much of a model's memory an item takes, if items
    differ in that; those of one call are padded to its longest, and have `MOST_TOKENS` at most
    together, or there is one.  joins: whether what comes may join a call that is under way, where
    it would be next.  workers: calls at a time.  width: cores that a call keeps busy.  cores: those
    that it shares with other models, by default enough of its own.  threads: where the work runs,
    by default threads of its own, as many as there are workers.  clock: seconds that never go back.
    """

    def __init__(
        self,
        work: Work[K, T, R],
        *,
        batch: int = 16,
        tokens: Callable[[T], int] | None = None,
        joins: bool = False,
        workers: int = 1,
        width: int = 1,
        cores: Cores | None = None,
        threads: Executor | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._work = work
        self._batch = batch
        self._tokens = tokens
        self._joins = joins
        self._width = width
        self._idle = workers
        self._cores = cores or Cores(workers * width)
        self._threads = threads or ThreadPoolExecutor(workers, thread_name_prefix="batch")
        self._clock = clock
        self._pace = Pace()
        # Since when it has had something to do that no core has begun.
        self._since = 0.0
        self._waiting: FairQueue[K, Entry[K, T, R]] = FairQueue()
        # Taken, and not known to be done.
        self._at_work: set[Entry[K, T, R]] = set()
        self._calls: list[Call[K, T, R]] = []
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
        entries = [
            Entry[K, T, R](request, key, item, loop.create_future(), wait) for key, item in jobs
        ]
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
            self._look_again()

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
    def width(self) -> int:
        """See `cores.Member`: what comes while all workers are busy can but join their calls."""
        return self._width if self._idle else 0

    @property
    def items(self) -> int:
        """See `cores.Member`."""
        self._at_work = {entry for entry in self._at_work if not entry.answer.done()}
        return len(self._waiting) + len(self._at_work)

    def next(self) -> Next | None:
        """See `cores.Member`."""
        if not self._waiting or not (self._idle or self._next_call()):
            return None
        items = min(self._waiting.count(self._waiting.next_kind()), self._batch)
        return Next(self._since, self._pace.expected(items))

    def begin(self, most: int) -> None:
        """See `cores.Member`: what can go together."""
        if not self._idle:
            self.join()
            return
        batch = self._take(min(most, self._batch))
        self._idle -= 1
        task = asyncio.get_running_loop().create_task(self._run(batch))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    def join(self) -> bool:
        """See `cores.Member`."""
        call = self._next_call()
        if call is None:
            return False
        taken = self._take(self._batch - len(call.left))
        fitting = self._fitting(call.left, taken)
        has_joined = bool(fitting) and call.join(fitting)
        left = taken[len(fitting) :] if has_joined else taken
        if left:
            # It is full as it is, or it has ended in this moment.
            call.close()
        for entry in left:
            self._at_work.discard(entry)
            self._waiting.add(entry.owner, entry.key, entry)
        if has_joined:
            self._note(fitting, len(call.left))
        return has_joined

    def _next_call(self) -> Call[K, T, R] | None:
        """One under way that takes what is next."""
        if self._ended:
            return None
        kind = self._waiting.next_kind()
        able = (call for call in self._calls if call.is_open and call.key == kind)
        return next((call for call in able if len(call.left) < self._batch), None)

    def _take(self, most: int) -> list[Entry[K, T, R]]:
        taken = self._waiting.take(most)
        self._at_work.update(taken)
        self._since = self._clock()
        return taken

    def _fitting(
        self, there: Sequence[Entry[K, T, R]], more: Sequence[Entry[K, T, R]]
    ) -> Sequence[Entry[K, T, R]]:
        """As many as fit into a call beside what is there."""
        if self._tokens is None:
            return more
        longest = max((self._tokens(entry.item) for entry in there), default=0)
        for i, entry in enumerate(more):
            longest = max(longest, self._tokens(entry.item))
            if (len(there) + i + 1) * longest > MOST_TOKENS:
                return more[:i]
        return more

    async def _run(self, batch: list[Entry[K, T, R]]) -> None:
        begun, last = self._clock(), 0
        try:
            parts = self._parts(batch)
            for part in parts:
                last = await self._answer(part, self._joins and len(parts) == 1)
        finally:
            self._idle += 1
            self._cores.give_back(self._width, last, self._clock() - begun)
            self._leave()

    def _parts(self, batch: list[Entry[K, T, R]]) -> list[list[Entry[K, T, R]]]:
        """What fits into one call: as it came where all of it does, else long with long."""
        if self._tokens is None:
            return [batch]
        sized = [(self._tokens(entry.item), entry) for entry in batch]
        if len(batch) * max(size for size, _ in sized) <= MOST_TOKENS:
            return [batch]
        parts: list[list[Entry[K, T, R]]] = []
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

    async def _answer(self, batch: list[Entry[K, T, R]], is_open: bool) -> int:
        """Answer a batch, and how many of it at its end. One that fails is tried again in halves,
        so that what the model cannot take fails alone; an error of any kind goes to the caller of
        that item, and only to it."""
        batch = [entry for entry in batch if not entry.answer.done()]
        if not batch:
            return 0
        if self._ended:
            return self._fail(batch, NotReady("the model is being closed"))
        call = Call(batch, self._look_again, is_open=is_open)
        try:
            await self._call(call)
        except Exception as err:
            left = call.left
            if call.count == 1:
                return self._fail(left, err)
            middle = len(left) // 2
            first = await self._answer(left[:middle], False)
            return first + await self._answer(left[middle:], False)
        return call.last

    async def _call(self, call: Call[K, T, R]) -> None:
        """One call of the work. Raises ValueError where it gives too few results."""
        items = call.count
        self._note(call.left, items)
        begun = self._clock()
        self._calls.append(call)
        self._look_again()
        try:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._threads, self._work, call.key, call)
        finally:
            self._calls.remove(call)
            call.close()
        if call.count == items:
            # How long one takes that was joined says nothing of its size.
            self._pace.note(items, self._clock() - begun)
        if call.left:
            raise ValueError(f"{call.count - len(call.left)} results for {call.count} items")

    def _note(self, entries: Sequence[Entry[K, T, R]], together: int) -> None:
        """They are being worked on, so many items together."""
        for entry in entries:
            entry.wait.end()
        # Once for each call of the model, whoever's items go along.
        entries[0].wait.spent.batches.append(together)

    def _look_again(self) -> None:
        """A call may have room: it has begun, answered something, or lost who waited for it."""
        if self._joins:
            self._cores.share_out(0)

    def _fail(self, entries: Sequence[Entry[K, T, R]], err: Exception) -> int:
        for entry in entries:
            if not entry.answer.done():
                entry.answer.set_exception(err)
        return len(entries)


def _let_go(answer: asyncio.Future[R]) -> None:
    """Leave a future that nobody waits for any more."""
    if not answer.cancel() and not answer.cancelled():
        # Read, so that asyncio does not report it: the caller has the first error.
        answer.exception()

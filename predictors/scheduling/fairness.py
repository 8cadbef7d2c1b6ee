"""Who is next: requests that wait for the same thing take turns, whatever each of them wants.

A text of 200 sentences waits for a model with 200 items, a text of one sentence with one. Served in
the order in which they came, the second would wait for the whole first; in turn, it waits for one
batch. All state belongs to one event loop's thread.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

from predictors.scheduling.cores import Cores, Next, Pace
from predictors.scheduling.request import current_request
from predictors.scheduling.spent import Wait

K = TypeVar("K", bound=Hashable)
T = TypeVar("T", bound=Hashable)


class FairQueue(Generic[K, T]):
    """Items that wait, each for an owner and of a kind; only items of one kind go together.

    Owners are served in turn. One that comes anew stands behind those that the last turn left out,
    and before those that it served, so that no owner ever waits for two turns of another.
    """

    def __init__(self) -> None:
        self._items: dict[Hashable, OrderedDict[K, OrderedDict[T, None]]] = {}
        self._left_out: list[Hashable] = []
        self._served: list[Hashable] = []
        self._counts: Counter[K] = Counter()

    def __len__(self) -> int:
        return self._counts.total()

    def add(self, owner: Hashable, kind: K, item: T) -> None:
        if owner not in self._items:
            self._items[owner] = OrderedDict()
            self._left_out.append(owner)
        self._items[owner].setdefault(kind, OrderedDict())[item] = None
        self._counts[kind] += 1

    def remove(self, owner: Hashable, kind: K, item: T) -> None:
        """Does nothing where the item does not wait any more."""
        kinds = self._items.get(owner)
        if kinds is not None and kind in kinds and item in kinds[kind]:
            del kinds[kind][item]
            self._forget(owner, kind)

    def next_kind(self) -> K:
        """The kind of what is taken next: of the oldest item of the owner whose turn it is."""
        owner = (self._left_out or self._served)[0]
        return next(iter(self._items[owner]))

    def count(self, kind: K) -> int:
        return self._counts[kind]

    def take(self, most: int) -> list[T]:
        """Up to `most` items of the next kind: one of each owner, then one more of each."""
        kind = self.next_kind()
        order = [*self._left_out, *self._served]
        taken: list[T] = []
        served: dict[Hashable, None] = {}
        turn = [owner for owner in order if kind in self._items[owner]]
        while turn and len(taken) < most:
            turn = turn[: most - len(taken)]
            taken += [self._pop(owner, kind) for owner in turn]
            # Who had the latest item stands last.
            served = {o: None for o in served if o not in turn} | dict.fromkeys(turn)
            turn = [owner for owner in turn if kind in self._items.get(owner, ())]
        self._left_out = [o for o in order if o in self._items and o not in served]
        self._served = [o for o in served if o in self._items]
        return taken

    def _pop(self, owner: Hashable, kind: K) -> T:
        item, _ = self._items[owner][kind].popitem(last=False)
        self._forget(owner, kind)
        return item

    def _forget(self, owner: Hashable, kind: K) -> None:
        """Count one item less, and drop what is empty."""
        self._counts[kind] -= 1
        if not self._counts[kind]:
            del self._counts[kind]
        if not self._items[owner][kind]:
            del self._items[owner][kind]
        if not self._items[owner]:
            del self._items[owner]
            for order in (self._left_out, self._served):
                if owner in order:
                    order.remove(owner)


class FairSlots:
    """At most `slots` pieces of work at a time; requests take turns at a slot that comes free.

    threads: cores that all of them keep busy together.  cores: those that they share with other
    models, by default enough of their own.  clock: seconds that never go back.
    """

    def __init__(
        self,
        slots: int,
        *,
        threads: int = 1,
        cores: Cores | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._slots = self._free = slots
        # Slots at work that keep the cores.
        self._busy = 0
        self._threads = threads
        self._cores = cores or Cores(threads)
        self._clock = clock
        self._pace = Pace()
        self._since = 0.0
        self._closed = False
        self._waiting: FairQueue[None, asyncio.Future[None]] = FairQueue()
        self._cores.join(self)

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @property
    def width(self) -> int:
        """See `cores.Member`: who comes second works on the threads of the first."""
        return 0 if self._busy else self._threads

    @property
    def items(self) -> int:
        """See `cores.Member`."""
        return len(self._waiting) + self._slots - self._free

    def next(self) -> Next | None:
        """See `cores.Member`."""
        if not (self._free and self._waiting):
            return None
        return Next(self._since, self._pace.expected(1))

    def begin(self, most: int) -> None:
        """See `cores.Member`: the slot goes to the next who still waits."""
        self._free -= 1
        self._busy += 1
        self._since = self._clock()
        while self._waiting:
            [turn] = self._waiting.take(1)
            if not turn.done():
                turn.set_result(None)
                return
        self._give_back()

    def join(self) -> bool:
        """See `cores.Member`."""
        return False

    @asynccontextmanager
    async def one(self, lends: bool = False) -> AsyncIterator[None]:
        """A slot for the block, once it is the turn of the request at work.

        lends: whether the cores are free for other models meanwhile, as where these go on with what
        is still being written: it would keep them from its own end.
        """
        wait = Wait(current_request().spent)
        await self._take()
        wait.end()
        wait.spent.batches.append(self._slots - self._free)
        begun = self._clock()
        if lends:
            self._rest()
        try:
            yield
        finally:
            self._pace.note(1, self._clock() - begun)
            self._give_back(keeps=not lends)

    async def _take(self) -> None:
        request = current_request()
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if not self._waiting:
            self._since = self._clock()
        self._waiting.add(request, None, turn)
        self._cores.share_out()
        try:
            await turn
        except asyncio.CancelledError:
            self._waiting.remove(request, None, turn)
            if turn.done() and not turn.cancelled():
                # It was given a slot in the moment in which it left.
                self._give_back()
            raise

    def _give_back(self, keeps: bool = True) -> None:
        """keeps: whether it has the cores until now."""
        self._free += 1
        if keeps:
            self._rest()
        else:
            self._cores.share_out()
        self._leave()

    def _rest(self) -> None:
        self._busy -= 1
        self._cores.give_back(self.width)

    def close(self) -> None:
        """Have no part in the cores any more, once nobody waits for a slot."""
        self._closed = True
        self._leave()

    def _leave(self) -> None:
        if self._closed and not self._waiting:
            self._cores.leave(self)

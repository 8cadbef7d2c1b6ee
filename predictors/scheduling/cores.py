"""The CPU cores of a process, shared out among all its models.

Three models that each keep as many threads busy as there are cores take turns on them by the will
of the kernel: every call takes three times as long, and batches stay small because each began too
early. Here no more calls run than there are cores for. Short work passes long work, but only long
work that came within some times the seconds that it takes itself, so nothing waits for ever.

A batch costs less for each of its items the more it has, and batches of one size keep the cores
evenly busy. So a call takes no more than one core's part of all that is at work, which brings what
goes through several models together again after it fell apart; and what a call has answered may
reach the next model before that model begins with the little that it has.

All state belongs to one event loop's thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

# Within how many times its own seconds work may be passed by shorter work that came later. With 1
# what fell apart stays so: the longest call begins with little before the others have caught up.
_PATIENCE = 2.0
# How long what a call has answered may take to reach the next model: so many seconds at most, and
# so much of what the call took, or of what is next and would begin without it.
_ON_THE_WAY = 0.1
_PART_OF_CALL = 0.05
# What a call counts beside the one after it.
_KEPT = 0.9

Later = Callable[[float, Callable[[], None]], object]


@dataclass(frozen=True)
class Next:
    """A call that is to begin. since: when it came.  seconds: it will take."""

    since: float
    seconds: float

    @property
    def due(self) -> float:
        """Who is due first goes first."""
        return self.since + _PATIENCE * self.seconds


class Member(Protocol):
    """A model that makes calls, each of which keeps cores busy."""

    @property
    def width(self) -> int:
        """Cores that its next call keeps busy: none where it joins a call that is under way."""
        ...

    @property
    def items(self) -> int:
        """How many it has, those that wait and those that are at work."""
        ...

    def next(self) -> Next | None:
        """Its next call; None without one."""
        ...

    def begin(self, most: int) -> None:
        """Begin that call, of at most so many items. It ends with `Cores.give_back`."""
        ...

    def join(self) -> bool:
        """Put what it would call about into a call that is under way, where one takes it."""
        ...


def _call_later(seconds: float, what: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_later(seconds, what)


class Cores:
    """`count` cores, and the models that share them. later: calls a function after seconds."""

    def __init__(self, count: int, later: Later = _call_later) -> None:
        self.count = count
        self._later = later
        self._free = count
        self._members: list[Member] = []
        # Items that were answered a moment ago and may come again, and of which moment it is.
        self._on_the_way = 0
        self._moment = 0

    def join(self, member: Member) -> None:
        self._members = [*self._members, member]

    def leave(self, member: Member) -> None:
        """Does nothing for one that has left."""
        self._members = [other for other in self._members if other is not member]

    def share_out(self, came: int = 1) -> None:
        """Begin what can begin now. To be called when a member has `came` items more."""
        self._on_the_way = max(0, self._on_the_way - came)
        if not self._on_the_way:
            self._begin()

    def give_back(self, width: int, items: int = 1, seconds: float = 0.0) -> None:
        """A call of so many seconds has ended that kept so many cores busy.

        items: that it answered at its end, which may come again.
        """
        self._free += min(width, self.count)
        first = self._first()
        longer = max(seconds, first[1].seconds) if first else seconds
        wait = min(_ON_THE_WAY, longer * _PART_OF_CALL)
        if items <= 1 or len(self._members) == 1 or not wait:
            # What is alone goes on alone, and from the only model nothing goes on.
            if not self._on_the_way:
                self._begin()
            return
        self._on_the_way += items
        self._moment += 1
        moment = self._moment
        self._later(wait, lambda: self._wait_no_longer(moment))

    def _wait_no_longer(self, moment: int) -> None:
        if moment == self._moment and self._on_the_way:
            self._on_the_way = 0
            self._begin()

    def _begin(self) -> None:
        while waiting := self._first():
            first, _ = waiting
            width = min(first.width, self.count)
            if width > self._free:
                if first.join():
                    continue
                # Nobody passes it: narrow calls would keep a wide one waiting for ever.
                return
            self._free -= width
            first.begin(self._part(width))

    def _first(self) -> tuple[Member, Next] | None:
        """The member that is due first, and its call; None where nothing waits."""
        waiting = [(member, call) for member in self._members if (call := member.next())]
        return min(waiting, key=lambda each: each[1].due, default=None)

    def _part(self, width: int) -> int:
        """Of all items, those for each of the calls of this width that can run at a time."""
        calls = self.count // max(1, width)
        return -(-sum(member.items for member in self._members) // calls)


class Pace:
    """Seconds that a call takes: a part of its own and a part for each item, as of late.

    The straight line of least squares through the latest ten calls or so.
    """

    def __init__(self) -> None:
        self._weight = self._items = self._seconds = self._squares = self._products = 0.0

    def expected(self, items: int) -> float:
        """0 before the first call."""
        if not self._weight:
            return 0.0
        mean_items, mean_seconds = self._items / self._weight, self._seconds / self._weight
        spread = self._squares / self._weight - mean_items**2
        together = self._products / self._weight - mean_items * mean_seconds
        # Where all had the same size, half of what they took is taken to go by their items.
        half = 0.5 * mean_seconds / mean_items
        slope = min(max(0.0, (together + half) / (spread + 1)), mean_seconds / mean_items)
        return max(0.0, mean_seconds + slope * (items - mean_items))

    def note(self, items: int, seconds: float) -> None:
        self._weight = _KEPT * self._weight + 1
        self._items = _KEPT * self._items + items
        self._seconds = _KEPT * self._seconds + seconds
        self._squares = _KEPT * self._squares + items**2
        self._products = _KEPT * self._products + items * seconds

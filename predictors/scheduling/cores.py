"""The CPU cores of a process, shared out among all its models.

Three models that each keep as many threads busy as there are cores take turns on them by the will
of the kernel: every call takes three times as long, and batches stay small because each began too
early. Here no more calls run than there are cores for. What would be done first, had it begun when
it came, goes first: short work passes long work, but only long work that came within the seconds
that it takes itself, so nothing waits for ever. All state belongs to one event loop's thread.
"""

from __future__ import annotations

from typing import Protocol


class Member(Protocol):
    """A model that makes calls, each of which keeps cores busy."""

    @property
    def width(self) -> int:
        """Cores that its next call keeps busy: none where it joins a call that is under way."""
        ...

    def due(self) -> float | None:
        """When its next call would be done, had it begun when it came; None without a call."""
        ...

    def begin(self, calls: int) -> None:
        """Begin that call, which ends with `Cores.give_back`.

        calls: how many it may begin now, this one among them.
        """
        ...


class Cores:
    """`count` cores, and the models that share them."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._free = count
        self._members: list[Member] = []

    def join(self, member: Member) -> None:
        self._members = [*self._members, member]

    def leave(self, member: Member) -> None:
        """Does nothing for one that has left."""
        self._members = [other for other in self._members if other is not member]

    def share_out(self) -> None:
        """Begin what can begin now. To be called when a member has something new to do."""
        while True:
            waiting = {member: due for member in self._members if (due := member.due()) is not None}
            if not waiting:
                return
            first = min(waiting, key=waiting.__getitem__)
            width = min(first.width, self.count)
            if width > self._free:
                # Nobody passes it: narrow calls would keep a wide one waiting for ever.
                return
            # Each of the others gets a call before the first gets a second.
            calls = max(1, (self._free - len(waiting) + 1) // max(1, width))
            self._free -= width
            first.begin(calls)

    def give_back(self, width: int) -> None:
        """A call has ended that kept so many cores busy."""
        self._free += min(width, self.count)
        self.share_out()


class Pace:
    """Seconds that an item took in calls of late, 0 before the first: an estimate of the next."""

    def __init__(self) -> None:
        self._seconds: float | None = None

    @property
    def per_item(self) -> float:
        return self._seconds or 0.0

    def note(self, items: int, seconds: float) -> None:
        latest = seconds / items
        # The last ten calls or so count.
        self._seconds = latest if self._seconds is None else 0.9 * self._seconds + 0.1 * latest

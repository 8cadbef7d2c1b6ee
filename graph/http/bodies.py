"""A bound on the bodies of all requests that a process holds at the same time.

Each body has a limit of its own, and many at once could still fill the memory. A body counts by
what has come of it, so that a slow sender holds no room for what it has only announced. Where there
is no room for more, the largest of the bodies that are still coming is refused: whoever sends
little is not held up by those who send much, however slowly they do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from graph.asgi import Message, Receive, Scope, read_body
from graph.errors import Overloaded


class HeldBody:
    """The room that one request's body takes, from its first byte until its answer."""

    def __init__(self, budget: BodyBudget) -> None:
        self._budget = budget
        self._clock: asyncio.Timeout | None = None
        self._gave_way = False
        self.size = 0

    @property
    def is_coming(self) -> bool:
        return self._clock is not None and not self._gave_way

    async def read(
        self, scope: Scope, receive: Receive, limit: int, seconds: float | None
    ) -> bytes:
        """The body. Raises TooLarge, ClientGone, TimeoutError, and Overloaded without room."""

        async def receive_counted() -> Message:
            message = await receive()
            self.size += len(message.get("body", b""))
            self._budget.make_room()
            if self._gave_way:
                raise self._refusal()
            return message

        try:
            async with asyncio.timeout(seconds) as self._clock:
                return await read_body(scope, receive_counted, limit)
        except TimeoutError as err:
            raise (self._refusal() if self._gave_way else err) from err
        finally:
            self._clock = None

    def give_way(self) -> None:
        """End the reading at once: its bytes are needed."""
        self._gave_way = True
        self.size = 0
        if self._clock is not None:
            self._clock.reschedule(asyncio.get_running_loop().time())

    def _refusal(self) -> Overloaded:
        return Overloaded("body: too many bytes of other requests are held; try again later")


class BodyBudget:
    """At most `most` bytes; a single body may have all of them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: set[HeldBody] = set()

    @property
    def held(self) -> int:
        return sum(each.size for each in self._held)

    @contextmanager
    def one(self) -> Iterator[HeldBody]:
        """Room for the body of a request, for as long as the block works on it."""
        held = HeldBody(self)
        self._held.add(held)
        try:
            yield held
        finally:
            self._held.discard(held)

    def make_room(self) -> None:
        while self.held > self._most:
            coming = [each for each in self._held if each.is_coming]
            max(coming, key=lambda each: each.size).give_way()

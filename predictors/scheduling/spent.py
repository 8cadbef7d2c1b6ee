"""What the work for a request took, noted by the engines where it happens.

It is read when the request has ended: for its metrics, and for its part of a trace. So an engine
needs to know neither of them. A list is only appended to, which any thread may do.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Spent:
    """waited: seconds from asking for work of the model until it began, one for each time.

    batches: how many items the model worked on together, for each call of it that began with one of
    this request's, or that one of them joined.  read, written: tokens.  failures: calls that failed
    by the engine's own fault.
    """

    waited: list[float] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    read: list[int] = field(default_factory=list)
    written: list[int] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def count(self, read: int, written: int) -> None:
        """The tokens of a call."""
        self.read.append(read)
        self.written.append(written)

    def count_untold(self, read: int, written: int) -> None:
        """The same, where no engine has counted: not all of them do while they stream."""
        if not self.read:
            self.count(read, written)


class Wait:
    """From being made, when work is asked for, until the first part of it begins."""

    def __init__(self, spent: Spent, clock: Callable[[], float] = time.perf_counter) -> None:
        self.spent = spent
        self._clock = clock
        self._since: float | None = clock()

    def end(self) -> None:
        """Later calls do nothing."""
        if self._since is not None:
            self.spent.waited.append(self._clock() - self._since)
            self._since = None

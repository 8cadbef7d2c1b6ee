"""The request that the code at hand works for, known without being passed through every call.

The handler sets it around `predict`. A task, `asyncio.to_thread` and the loop of another thread
inherit it, so that a batcher or an engine knows whose an item is: for its fair share, for its
deadline, for the log. It bounds nothing and refuses nothing itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, eq=False)
class Request:
    """A request to one predictor. It equals only itself: that is what a fair share goes by.

    predictor: the name of the predictor that it came to.
    """

    predictor: str = ""


_AT_WORK: ContextVar[Request | None] = ContextVar("request at work", default=None)


def current_request() -> Request:
    """The request at work; outside of a handler, a new one for each call."""
    return _AT_WORK.get() or Request()


@contextmanager
def working_for(request: Request) -> Iterator[None]:
    """Make `request` the one at work, for everything that is called or started in the block."""
    token = _AT_WORK.set(request)
    try:
        yield
    finally:
        _AT_WORK.reset(token)

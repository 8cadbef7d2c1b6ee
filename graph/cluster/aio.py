"""The functions of `graph.cluster` for a program with an event loop, which they do not hold up.

Each runs in a thread of its own. A Cluster is of one thread at a time, so await one call before
the next, or connect once more for what runs beside it. A call that is cancelled goes on in its
thread until the API server has answered.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

from graph.cluster import apply as applying
from graph.cluster import connection, scaling
from graph.cluster import delete as deleting
from graph.cluster import diff as comparing
from graph.cluster import status as looking
from graph.cluster import wait as waiting

P = ParamSpec("P")
T = TypeVar("T")


def in_thread(function: Callable[P, T]) -> Callable[P, Awaitable[T]]:
    """The same function, to be awaited."""

    @functools.wraps(function)
    async def run(*args: P.args, **kwargs: P.kwargs) -> T:
        return await asyncio.to_thread(function, *args, **kwargs)

    return run


connect = in_thread(connection.connect)
apply = in_thread(applying.apply)
diff = in_thread(comparing.diff)
delete = in_thread(deleting.delete)
scale = in_thread(scaling.scale)
pause = in_thread(scaling.pause)
resume = in_thread(scaling.resume)
read_status = in_thread(looking.read_status)
wait = in_thread(waiting.wait)
read_status = in_thread(looking.read_status)
wait = in_thread(waiting.wait)

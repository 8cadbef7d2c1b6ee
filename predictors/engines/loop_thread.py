"""An event loop on a thread of its own, for what belongs to one loop but is asked from several.

A pooled HTTP connection is such a thing. An engine is asked from whatever loop its caller has, and
is closed from none, often when that loop has ended; so its connections live in a loop of its own.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from graph.errors import NotReady

T = TypeVar("T")


class LoopThread:
    """Runs until it is closed."""

    def __init__(self, name: str) -> None:
        self._is_closing = False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=name, daemon=True)
        self._thread.start()

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of the work, which is cancelled with its caller.

        Raises what the work raises, and NotReady where `close` came first.
        """
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError as err:
            caller = asyncio.current_task()
            if self._is_closing and caller is not None and not caller.cancelling():
                raise NotReady("the model is being closed") from err
            raise

    def close(self, last: Coroutine[Any, Any, None]) -> None:
        """Cancel what still runs, then run `last`; waits for both."""
        self._is_closing = True
        asyncio.run_coroutine_threadsafe(self._end(last), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self, last: Coroutine[Any, Any, None]) -> None:
        running = asyncio.all_tasks() - {asyncio.current_task()}
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await last

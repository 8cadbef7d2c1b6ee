"""The client's transport to a graph in this process."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from contextlib import suppress

from graph.asgi import Answer
from graph.errors import DeadlineExceeded
from graph.local.build import DEFAULT_FILE, LocalGraph, build, read_file
from predictors.progress import Progress, show_nothing

_STOP_SECONDS = 5.0


class LocalTransport:
    """A client's `Transport` to a graph in this process, on an event loop of its own thread."""

    def __init__(self, graph: LocalGraph) -> None:
        """`graph` is loaded, and closed with this."""
        self.graph = graph
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    @classmethod
    def of_file(cls, file: str = "", progress: Progress = show_nothing) -> LocalTransport:
        """The only graph of a YAML file, loaded. Raises SpecError, ModelError."""
        graph = build(read_file(file), file or DEFAULT_FILE.name, progress=progress)
        graph.load()
        return cls(graph)

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that the graph's detector serves; empty where it has no detector."""
        predictors = [handler.predictor for handler in self.graph.handlers.values()]
        return tuple(code for each in predictors for code in getattr(each, "languages", ()))

    def post(self, body: bytes, predictor: str | None, seconds: float) -> Answer:
        """The predictors end their work by themselves, so `seconds` is only the last resort."""
        waiting = self.start(body, predictor)
        try:
            return waiting.result(seconds)
        except KeyboardInterrupt:
            waiting.cancel()
            raise
        except concurrent.futures.TimeoutError as err:
            waiting.cancel()
            raise _late(seconds) from err

    def start(self, body: bytes, predictor: str | None) -> concurrent.futures.Future[Answer]:
        """The answer to come; to cancel it cancels the work for it."""
        work = self.graph.predict(predictor, body) if predictor else self.graph.route(body)
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def close(self) -> None:
        """Stop what is at work, and free the models. A second call does nothing."""
        if self._loop.is_closed():
            return
        self._stop_work()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self.graph.close()

    def _stop_work(self) -> None:
        """Cancel every request, and wait until each has left its engine, but not for long."""
        stopping = asyncio.run_coroutine_threadsafe(_cancel_others(), self._loop)
        with suppress(concurrent.futures.TimeoutError):
            stopping.result(_STOP_SECONDS)


class AsyncLocalTransport:
    """`AsyncTransport` to the same: another event loop waits, and goes on meanwhile."""

    def __init__(self, local: LocalTransport) -> None:
        """`local` is closed with this."""
        self._local = local

    async def post(self, body: bytes, predictor: str | None, seconds: float) -> Answer:
        waiting = asyncio.wrap_future(self._local.start(body, predictor))
        try:
            return await asyncio.wait_for(waiting, seconds)
        except TimeoutError as err:
            raise _late(seconds) from err

    async def aclose(self) -> None:
        await asyncio.to_thread(self._local.close)


def _late(seconds: float) -> DeadlineExceeded:
    return DeadlineExceeded(f"no answer within {seconds:.3g} s")


async def _cancel_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)

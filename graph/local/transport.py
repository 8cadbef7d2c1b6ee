"""The client's transport to a graph in this process."""

from __future__ import annotations

import asyncio
import threading

from graph.local.build import DEFAULT_FILE, LocalGraph, build, read_file
from predictors.progress import Progress, show_nothing


class LocalTransport:
    """`graph.client.Transport` to a graph in this process, on an event loop of its own thread."""

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

    def post(self, body: bytes, predictor: str | None) -> tuple[int, bytes]:
        work = self.graph.predict(predictor, body) if predictor else self.graph.route(body)
        waiting = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            answer = waiting.result()
        except KeyboardInterrupt:
            waiting.cancel()
            raise
        return answer.status, answer.body

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self.graph.close()

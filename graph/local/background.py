"""A local graph at a URL of this machine, while the program that started it goes on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from graph.http.server import Server, listen, url_of
from graph.local.app import app_of
from graph.local.build import LocalGraph

_DRAIN_SECONDS = 5.0


@contextmanager
def in_background(local: LocalGraph) -> Iterator[str]:
    """Loads a graph, serves it on a free port while the block lasts, and frees its models then.

    The URL is the graph's; each predictor is at /v1/models/NAME:predict below it.
    Raises ModelError for weights.
    """
    try:
        local.load()
        with listen("127.0.0.1", 0) as listener:
            server = Server(app_of(local), _DRAIN_SECONDS)
            # A daemon, so that it does not outlive a program that forgets to end the block.
            thread = threading.Thread(
                target=server.run, kwargs={"sockets": [listener]}, daemon=True
            )
            thread.start()
            try:
                # Connections wait in the socket's queue until the server takes them.
                yield url_of(listener)
            finally:
                server.stop()
                thread.join()
    finally:
        local.close()

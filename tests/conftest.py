"""Fixtures that tests share: real servers on free ports."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from graph.http.server import Server, listen


@pytest.fixture
def serve_app() -> Iterator[Callable[[Any], str]]:
    """Serves ASGI applications on free ports of this machine; gives each one's URL."""
    with ExitStack() as stack:
        yield lambda app: stack.enter_context(served(app))


@contextmanager
def served(app: Any) -> Iterator[str]:
    with listen("127.0.0.1", 0) as listener:
        server = Server(app, drain_seconds=5)
        thread = threading.Thread(target=lambda: server.run(sockets=[listener]))
        thread.start()
        try:
            # Connections wait in the socket's queue until the server takes them.
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.stop()
            thread.join()

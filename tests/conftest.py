"""Fixtures that tests share: real servers on free ports."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from graph.http.server import Server, listen

# No test fails because a machine is busy. What else hypothesis does in CI stays as it is.
settings.register_profile(
    "parley", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("parley")


@pytest.fixture
def serve_app() -> Iterator[Callable[[Any], str]]:
    """Serves ASGI applications on free ports of this machine; gives each one's URL."""
    with ExitStack() as stack:
        yield lambda app: stack.enter_context(served(app))


@contextmanager
def served(app: Any, **tls: Any) -> Iterator[str]:
    """tls: uvicorn's settings `ssl_...`, with which it is served over HTTPS."""
    with listen("127.0.0.1", 0) as listener:
        server = Server(app, drain_seconds=5)
        for name, value in tls.items():
            setattr(server.config, name, value)
        thread = threading.Thread(target=lambda: server.run(sockets=[listener]))
        thread.start()
        try:
            # Connections wait in the socket's queue until the server takes them.
            scheme = "https" if tls else "http"
            yield f"{scheme}://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.stop()
            thread.join()

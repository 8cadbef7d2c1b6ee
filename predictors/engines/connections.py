"""The open connections of an HTTP client, so that they can be shut from any thread."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any


class Connections:
    """Sockets of requests at work; `close` shuts them, whether their event loop runs or not."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._closed = False

    @contextmanager
    def one(self) -> Iterator[dict[str, Any]]:
        """The extensions of an httpx2 request, whose connection is known here while it lasts."""
        opened: list[socket.socket] = []

        async def note(event: str, info: dict[str, Any]) -> None:
            if event == "connection.connect_tcp.complete":
                # A second handle, because uvloop's own sockets cannot be shut.
                handle = info["return_value"].get_extra_info("socket").fileno()
                opened.append(socket.socket(fileno=os.dup(handle)))
                self._add(opened[-1])

        try:
            yield {"trace": note}
        finally:
            with self._lock:
                self._open.difference_update(opened)
            for each in opened:
                each.close()

    def close(self) -> None:
        """Shut every connection, and from now on each new one."""
        with self._lock:
            self._closed = True
            for connection in self._open:
                _shut(connection)

    def _add(self, connection: socket.socket) -> None:
        with self._lock:
            self._open.add(connection)
            if self._closed:
                _shut(connection)


def _shut(connection: socket.socket) -> None:
    with suppress(OSError):  # the other side may have been quicker
        connection.shutdown(socket.SHUT_RDWR)

"""HTTP for `graph.http.server` with a bound on a request's head: its bytes, and its time.

uvicorn bounds neither with its fast parser (httptools): one endless header would fill the memory,
and a head that never ends would hold its connection for ever. Its other parser (h11), which a plain
install has, refuses a head over 64 KiB by itself.
"""

from __future__ import annotations

import asyncio
from typing import Any

from graph.turn.timeouts import READ

# As much as Envoy and h11 take.
HEAD_BYTES = 64 << 10
_REFUSAL = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%s"
)
_WORDS = b'{"error": "headers: more than %d bytes"}' % HEAD_BYTES


def protocol() -> Any:
    """The protocol that uvicorn is to speak: a class, or the name of one of its own."""
    try:
        from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
    except ImportError:
        return "h11"

    class BoundedHead(HttpToolsProtocol):
        """Counts the bytes of each head, and gives it as long as a body has."""

        _head = 0
        _timer: asyncio.TimerHandle | None = None

        def on_message_begin(self) -> None:
            super().on_message_begin()
            self._head = 0
            self._timer = self.loop.call_later(READ, self._give_up)

        def on_headers_complete(self) -> None:
            self._end_timer()
            super().on_headers_complete()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self._timer is not None:
                self._head += len(data)
                if self._head > HEAD_BYTES:
                    self._end_timer()
                    self.transport.write(_REFUSAL % (len(_WORDS), _WORDS))
                    self.transport.close()

        def connection_lost(self, exc: Exception | None) -> None:
            self._end_timer()
            super().connection_lost(exc)

        def _end_timer(self) -> None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

        def _give_up(self) -> None:
            self._timer = None
            self.transport.close()

    return BoundedHead

"""The proxy of the tests leaves nothing open, however busy it is when a fault is set."""

from __future__ import annotations

import gc
import socket
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from tests.proxy import NONE, Fault, proxied

_FAULTS = 300
_CLIENTS = 4


def test_every_connection_is_closed_whenever_a_fault_is_set() -> None:
    over = threading.Event()

    def connect(port: int) -> None:
        while not over.is_set():
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", port)).close()

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with (
            socket.create_server(("127.0.0.1", 0), backlog=512) as server,
            ThreadPoolExecutor(_CLIENTS) as pool,
        ):
            try:
                with proxied(server.getsockname()[1]) as proxy:
                    for _ in range(_CLIENTS):
                        pool.submit(connect, proxy.port)
                    for number in range(_FAULTS):
                        proxy.set(Fault(cut=0) if number % 2 else NONE)
            finally:
                over.set()
        gc.collect()
    assert proxy.connections > 0
    assert [str(warning.message) for warning in caught] == []

"""Serves an ASGI application on this machine until SIGTERM or Ctrl-C."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from collections.abc import Callable

from graph.local.app import app_of
from graph.local.build import LocalGraph
from predictors.serving import Server, listen

Note = Callable[[str], None]
DRAIN_SECONDS = 10.0


def serve_local(local: LocalGraph, host: str, port: int, note: Note) -> None:
    """A graph and its predictors, loaded in the background: `/readyz` is 503 until all are.

    Raises ServeError for the port, ModelError for weights.
    """
    logging.basicConfig(level="WARNING", format="%(levelname)s %(name)s: %(message)s")
    with listen(host, port) as listener:
        asyncio.run(_serve(local, listener, note))


async def _serve(local: LocalGraph, listener: socket.socket, note: Note) -> None:
    host, port = listener.getsockname()[:2]
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    server = Server(app_of(local), DRAIN_SECONDS)
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signal_number, server.stop)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    loading = asyncio.create_task(asyncio.to_thread(local.load))
    try:
        await asyncio.wait({serving, loading}, return_when=asyncio.FIRST_COMPLETED)
        if loading.done():
            loading.result()
            note(f"{local.graph.name} is ready at {url}")
            for name in local.handlers:
                note(f"  {name}: {url}/v1/models/{name}:predict")
        await serving
    finally:
        server.stop()
        await asyncio.gather(serving, loading, return_exceptions=True)
        local.close()

"""Serves a gateway before the services of a graph, until SIGTERM or Ctrl-C."""

from __future__ import annotations

import logging
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from graph.gateway.app import GatewayApp, GatewayLimits
from graph.gateway.cache import open_cache
from graph.gateway.histories import DEFAULT_BYTES, DEFAULT_SECONDS, Histories
from graph.gateway.keys import ApiKeys
from graph.gateway.served import Connections, Served, open_connections
from graph.http.server import Server, StopSignals, listen, run_server, stop_or_hurry, url_of
from graph.telemetry.telemetry import Telemetry

Note = Callable[[str], None]
# Serves on a listener until a signal.
Serve = Callable[[socket.socket, StopSignals], Coroutine[None, None, None]]


@dataclass(frozen=True)
class GatewaySettings:
    """history_bytes, history_seconds: how much of conversations is remembered, and how long.

    cache: URL of a Redis or Valkey server that remembers them for other gateways too, or empty.
    telemetry: the process's own.
    """

    host: str = "0.0.0.0"
    port: int = 8080
    keys: ApiKeys = field(default_factory=ApiKeys)
    limits: GatewayLimits = field(default_factory=GatewayLimits)
    history_bytes: int = DEFAULT_BYTES
    history_seconds: float = DEFAULT_SECONDS
    cache: str = ""
    drain_seconds: float = 60.0
    telemetry: Telemetry = field(default_factory=Telemetry)


def serve_gateway(served: Served, settings: GatewaySettings, note: Note) -> None:
    """Raises ServeError for a port that cannot be had, SpecError for a cache that is none."""

    async def serve(listener: socket.socket, signals: StopSignals) -> None:
        await _serve(served, settings, listener, note, signals)

    run(settings, serve)


def run(settings: GatewaySettings, serve: Serve) -> None:
    """Take the port, and serve on it until a signal."""
    logging.basicConfig(level="WARNING", format="%(levelname)s %(name)s: %(message)s")
    with StopSignals() as signals, listen(settings.host, settings.port) as listener:
        try:
            run_server(serve(listener, signals))
        finally:
            settings.telemetry.tracing.close()


@asynccontextmanager
async def open_all(
    settings: GatewaySettings, namespace: str, graph: str
) -> AsyncIterator[Connections]:
    """What a gateway to that graph needs."""
    async with AsyncExitStack() as stack:
        shared = None
        if settings.cache:
            cache = open_cache(settings.cache, f"{namespace}/{graph}", settings.history_seconds)
            shared = await stack.enter_async_context(cache)
        histories = Histories(settings.history_bytes, settings.history_seconds, shared)
        yield await stack.enter_async_context(open_connections(histories))


async def _serve(
    served: Served,
    settings: GatewaySettings,
    listener: socket.socket,
    note: Note,
    signals: StopSignals,
) -> None:
    graph = served.graph
    async with open_all(settings, graph.namespace, graph.name) as connections:
        gateway = await connections.reach(served)
        app = GatewayApp(gateway, settings.keys, settings.limits, telemetry=settings.telemetry)
        server = Server(app, settings.drain_seconds)
        signals.attach(lambda _: stop_or_hurry(server, note))
        note(f"{graph.name} is served at {url_of(listener)}/v1")
        note(f"its chat page is at {url_of(listener)}/")
        await server.serve(sockets=[listener])

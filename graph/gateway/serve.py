"""Serves a gateway before the services of a graph, until SIGTERM or Ctrl-C."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from graph.gateway.app import GatewayApp, GatewayLimits
from graph.gateway.chat import http_chat
from graph.gateway.gateway import Gateway
from graph.gateway.histories import DEFAULT_BYTES, DEFAULT_SECONDS, Histories
from graph.gateway.keys import ApiKeys
from graph.http.server import Server, StopSignals, listen, stop_or_hurry, url_of
from graph.router.transport import http_call
from graph.spec.model import Graph
from graph.spec.services import InferenceService

Note = Callable[[str], None]


@dataclass(frozen=True)
class GatewaySettings:
    """history_bytes, history_seconds: how much of conversations is remembered, and how long."""

    host: str = "0.0.0.0"
    port: int = 8080
    keys: ApiKeys = field(default_factory=ApiKeys)
    limits: GatewayLimits = field(default_factory=GatewayLimits)
    history_bytes: int = DEFAULT_BYTES
    history_seconds: float = DEFAULT_SECONDS
    drain_seconds: float = 60.0


def serve_gateway(
    graph: Graph,
    services: Sequence[InferenceService],
    urls: Mapping[str, str],
    settings: GatewaySettings,
    note: Note,
) -> None:
    """urls: the URL of each `serviceName`. Raises ServeError for a port that cannot be had."""
    logging.basicConfig(level="WARNING", format="%(levelname)s %(name)s: %(message)s")
    with StopSignals() as signals, listen(settings.host, settings.port) as listener:
        asyncio.run(_serve(graph, services, urls, settings, listener, note, signals))


async def _serve(
    graph: Graph,
    services: Sequence[InferenceService],
    urls: Mapping[str, str],
    settings: GatewaySettings,
    listener: socket.socket,
    note: Note,
    signals: StopSignals,
) -> None:
    histories = Histories(settings.history_bytes, settings.history_seconds)
    async with http_call(urls, graph.timeouts.service_client) as call, http_chat(urls) as ask_chat:
        gateway = Gateway.of(graph, services, call, ask_chat, histories)
        app = GatewayApp(gateway, settings.keys, settings.limits)
        server = Server(app, settings.drain_seconds)
        signals.attach(lambda _: stop_or_hurry(server, note))
        note(f"{graph.name} is served at {url_of(listener)}/v1")
        await server.serve(sockets=[listener])

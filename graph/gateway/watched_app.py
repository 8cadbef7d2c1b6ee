"""Serves a gateway to a graph of a cluster, which may change meanwhile or not be there yet."""

from __future__ import annotations

import asyncio
import socket

from graph.asgi import Answer, Receive, Scope, Send, send_answer
from graph.cluster.connection import Cluster
from graph.completions.stream import send_error
from graph.errors import NotReady
from graph.gateway.app import GatewayApp
from graph.gateway.gateway import Gateway
from graph.gateway.serve import GatewaySettings, Note, open_all, run
from graph.gateway.served import Connections, Served
from graph.gateway.watched import GraphWatch
from graph.http.server import Server, StopSignals, stop_or_hurry, url_of

# Answered as long as the process serves, with a graph or without.
LIVE = "/livez"


def serve_watched(cluster: Cluster, name: str, settings: GatewaySettings, note: Note) -> None:
    """Raises ServeError, SpecError for a cache that is none, ClusterError at the beginning."""

    async def serve(listener: socket.socket, signals: StopSignals) -> None:
        await _serve(cluster, name, settings, listener, note, signals)

    run(settings, serve)


class WatchedApp:
    """The ASGI application: 503 until there is a graph, then the gateway to it as it is now."""

    def __init__(self, name: str, settings: GatewaySettings, note: Note) -> None:
        self._name = name
        self._settings = settings
        self._note = note
        self._app: GatewayApp | None = None
        self._is_there = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == LIVE:
            await send_answer(send, Answer(200))
        elif self._app is not None:
            await self._app(scope, receive, send)
        else:
            await send_error(NotReady(f"there is no InferenceGraph/{self._name} yet"), send)

    async def follow(self, changes: asyncio.Queue[Served | None], connections: Connections) -> None:
        """Take each graph that comes; after one that is deleted the last one is served on."""
        while True:
            served = await changes.get()
            self._is_there = served is not None
            if served is None:
                self._note(f"there is no InferenceGraph/{self._name}; it is waited for")
            elif self._app is None:
                self._app = self._first(await connections.reach(served))
            else:
                self._app.use(await connections.reach(served))
                self._note(f"InferenceGraph/{self._name} has changed; turns go its new ways")

    def _first(self, gateway: Gateway) -> GatewayApp:
        settings = self._settings
        self._note(f"InferenceGraph/{self._name} is served")
        return GatewayApp(
            gateway, settings.keys, settings.limits, lambda: self._is_there, settings.telemetry
        )


async def _serve(
    cluster: Cluster,
    name: str,
    settings: GatewaySettings,
    listener: socket.socket,
    note: Note,
    signals: StopSignals,
) -> None:
    loop = asyncio.get_running_loop()
    changes: asyncio.Queue[Served | None] = asyncio.Queue()

    def tell(served: Served | None) -> None:
        loop.call_soon_threadsafe(changes.put_nowait, served)

    watch = GraphWatch(cluster, name, tell)
    app = WatchedApp(name, settings, note)
    server = Server(app, settings.drain_seconds)
    signals.attach(lambda _: stop_or_hurry(server, note))
    async with open_all(settings, cluster.namespace, name) as connections:
        note(f"{cluster.namespace}/{name} is served at {url_of(listener)}/v1")
        note(f"its chat page is at {url_of(listener)}/")
        tasks = [
            asyncio.create_task(asyncio.to_thread(watch.run)),
            asyncio.create_task(app.follow(changes, connections)),
            asyncio.create_task(server.serve(sockets=[listener])),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            watch.stop()
            server.stop()
            tasks[1].cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

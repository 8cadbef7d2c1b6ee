"""Our router and its scripted services in the event loop of a test."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn

from graph.router.app import ServerLimits, graph_app
from graph.router.propagation import read_patterns
from graph.router.transport import http_call
from graph.router.walk import route
from graph.spec.load import choose_graph, load_objects
from tests.conformance.exchange import Reply
from tests.conformance.service import Service

NO_LIMITS = ServerLimits()
_PATIENCE_SECONDS = 10.0


@dataclass(frozen=True)
class Live:
    """port: where the graph is served.  service: what its services receive."""

    port: int
    service: Service

    async def called(self, *services: str) -> None:
        """Waits until the services have been called, one after the other."""
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while [call.service for call in self.service.calls] != list(services):
                await asyncio.sleep(0.005)


@asynccontextmanager
async def live_graph(
    nodes: dict[str, Any], replies: dict[str, Reply], limits: ServerLimits = NO_LIMITS
) -> AsyncIterator[Live]:
    """Serves a graph; `$service` in a URL is the address of the scripted services."""
    service = Service()
    address = await service.start()
    service.script({name: [reply] for name, reply in replies.items()})
    document = {
        "apiVersion": "serving.kserve.io/v1alpha1",
        "kind": "InferenceGraph",
        "metadata": {"name": "live"},
        "spec": {"nodes": nodes},
    }
    text = json.dumps(document).replace("$service", address)
    graph = choose_graph(load_objects(text, "live"), "live")
    async with http_call({}, None, read_patterns(None)[0]) as call:
        app = graph_app(lambda body, headers: route(graph, body, headers, call), limits)
        config = uvicorn.Config(app, port=0, log_config=None, lifespan="off")
        server = uvicorn.Server(config)
        serving = asyncio.ensure_future(server.serve())
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while not server.started:
                await asyncio.sleep(0.005)
        try:
            yield Live(server.servers[0].sockets[0].getsockname()[1], service)
        finally:
            server.should_exit = server.force_exit = True
            await serving
            await service.stop()


async def ask(port: int, body: bytes, promise: int | None = None) -> tuple[int, bytes]:
    """Status and body of one POST; `promise` announces another length than the body has."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    length = len(body) if promise is None else promise
    writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % length + body)
    async with asyncio.timeout(_PATIENCE_SECONDS):
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        size = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        answer = await reader.readexactly(size)
    writer.close()
    return int(head.split(" ")[1]), answer

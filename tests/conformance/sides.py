"""The two routers under comparison, each started for one graph and reachable over HTTP.

KServe's reads its graph from a command line and listens on port 8080 whatever one says, so the
worker that uses it lives in a network namespace of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import uvicorn

from graph.asgi import App
from graph.router.app import graph_app
from graph.router.propagation import read_patterns
from graph.router.transport import http_call
from graph.router.walk import route
from graph.spec.load import choose_graph, load_objects

_KSERVE_PORT = 8080
_START_SECONDS = 20.0


@contextlib.asynccontextmanager
async def kserve(
    binary: Path, spec: Mapping[str, Any], propagate: str | None
) -> AsyncIterator[int]:
    """KServe's own router; gives its port."""
    environ = {name: value for name, value in os.environ.items() if name != "PROPAGATE_HEADERS"}
    if propagate is not None:
        environ["PROPAGATE_HEADERS"] = propagate
    process = subprocess.Popen(
        [str(binary), "--graph-json", json.dumps(spec)],
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        await _wait_for_port(_KSERVE_PORT, process)
        yield _KSERVE_PORT
    finally:
        process.kill()
        process.wait()


class Ours:
    """Our router behind a real HTTP server in this process, one server for all graphs."""

    def __init__(self) -> None:
        self._app: App | None = None
        self._listener = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(
            self._serve, log_level="critical", lifespan="off", interface="asgi3"
        )
        self._server = uvicorn.Server(config)
        self._serving: asyncio.Future[None] | None = None

    @contextlib.asynccontextmanager
    async def serve(self, spec: Mapping[str, Any], propagate: str | None) -> AsyncIterator[int]:
        """Serves this graph for a while; gives the port."""
        if self._serving is None:
            self._serving = asyncio.ensure_future(self._server.serve(sockets=[self._listener]))
        document = {
            "apiVersion": "serving.kserve.io/v1alpha1",
            "kind": "InferenceGraph",
            "metadata": {"name": "conformance"},
            "spec": spec,
        }
        graph = choose_graph(load_objects(json.dumps(document), "conformance"), "conformance")
        patterns, _ = read_patterns(propagate)
        async with http_call({}, graph.timeouts.service_client, patterns) as call:
            self._app = graph_app(lambda body, headers: route(graph, body, headers, call))
            yield self._listener.getsockname()[1]

    async def _serve(self, scope: Any, receive: Any, send: Any) -> None:
        assert self._app is not None
        await self._app(scope, receive, send)

    async def stop(self) -> None:
        if self._serving is not None:
            self._server.should_exit = self._server.force_exit = True
            await self._serving
        self._listener.close()


async def _wait_for_port(port: int, process: subprocess.Popen[bytes]) -> None:
    async with asyncio.timeout(_START_SECONDS):
        while True:
            if process.poll() is not None:
                raise RuntimeError(f"KServe's router ended with {process.returncode}")
            with contextlib.suppress(ConnectionRefusedError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(0.002)

"""`parley graph serve`: one graph behind a real HTTP server, its services called over HTTP."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Iterable, Mapping

import uvicorn

from graph.errors import ServeError, SpecError
from graph.router.app import graph_app, limits_of
from graph.router.propagation import VARIABLE, read_patterns
from graph.router.transport import http_call
from graph.router.walk import route
from graph.spec.documents import suggest
from graph.spec.model import Graph
from graph.spec.services import InferenceService

Note = Callable[[str], None]
# Where a predictor answers inside a cluster, as KServe's controller resolves a serviceName.
_CLUSTER_URL = "http://{name}-predictor.{namespace}.svc.cluster.local/v1/models/{name}:predict"
_DRAIN_SECONDS = 10


def service_urls(
    graph: Graph, services: Iterable[InferenceService], given: Mapping[str, str]
) -> dict[str, str]:
    """The URL of every `serviceName` of the graph. Raises SpecError for one that has none."""
    names = {s.service_name for n in graph.nodes.values() for s in n.steps if s.service_name}
    defined = {service.name: service for service in services}
    for name in given:
        if name not in names:
            raise SpecError(
                f"--service {name}: the graph has no such serviceName{suggest(name, names)}"
            )
    urls = dict(given)
    for name in sorted(names - set(given)):
        if name not in defined:
            raise SpecError(
                f'{graph.source}: serviceName "{name}" is not defined in the file; '
                f"give its URL with --service {name}=http://..."
            )
        namespace = defined[name].namespace or graph.namespace or "default"
        urls[name] = _CLUSTER_URL.format(name=name, namespace=namespace)
    return urls


def serve_graph(
    graph: Graph, urls: Mapping[str, str], host: str, port: int, max_body: int, note: Note
) -> None:
    """Serves until SIGTERM or Ctrl-C. Raises ServeError for a port that cannot be had."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as err:
        number = err.errno if isinstance(err, OSError) else None
        reason = os.strerror(number) if number else str(err)
        raise ServeError(f"{host}:{port}: {reason}; choose another with --port") from err
    with listener:
        asyncio.run(_serve(graph, urls, listener, max_body, note))


async def _serve(
    graph: Graph, urls: Mapping[str, str], listener: socket.socket, max_body: int, note: Note
) -> None:
    patterns, refused = read_patterns(os.environ.get(VARIABLE))
    for pattern in refused:
        note(f"{VARIABLE}: {pattern!r} is not a regular expression of RE2 and is left out")
    async with http_call(urls, graph.timeouts.service_client, patterns) as call:
        app = graph_app(
            lambda body, headers: route(graph, body, headers, call),
            limits_of(graph.timeouts, max_body),
        )
        idle = graph.timeouts.server_idle
        config = uvicorn.Config(
            app,
            log_level="warning",
            lifespan="off",
            timeout_keep_alive=idle if idle > 0 else 10**9,
            timeout_graceful_shutdown=_DRAIN_SECONDS,
        )
        host, port = listener.getsockname()[:2]
        note(f"{graph.name} is served at http://{f'[{host}]' if ':' in host else host}:{port}")
        await uvicorn.Server(config).serve(sockets=[listener])

"""`parley graph serve`: one graph behind a real HTTP server, its services called over HTTP."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Iterable, Mapping

from graph.errors import SpecError
from graph.http.server import Server, StopSignals, listen, run_server, stop_or_hurry, url_of
from graph.router.app import graph_app, limits_of
from graph.router.propagation import VARIABLE, read_patterns
from graph.router.transport import http_call
from graph.router.walk import route
from graph.spec.addresses import cluster_url
from graph.spec.documents import suggest
from graph.spec.model import Graph
from graph.spec.services import InferenceService

Note = Callable[[str], None]
_DRAIN_SECONDS = 10


def service_urls(
    graph: Graph, services: Iterable[InferenceService], given: Mapping[str, str]
) -> dict[str, str]:
    """The URL of every `serviceName` of the graph. Raises SpecError for one that has none."""
    names = graph.service_names()
    defined = {service.name: service for service in services}
    for name in given:
        if name not in names:
            raise SpecError(
                f"--service {name}: the graph has no such serviceName{suggest(name, names)}"
            )
    urls = dict(given)
    for name in names:
        if name in given:
            continue
        if name not in defined:
            raise SpecError(
                f'{graph.source}: serviceName "{name}" is not defined in the file; '
                f"give its URL with --service {name}=http://..."
            )
        namespace = defined[name].namespace or graph.namespace or "default"
        urls[name] = cluster_url(name, namespace)
    return urls


def serve_graph(
    graph: Graph, urls: Mapping[str, str], host: str, port: int, max_body: int, note: Note
) -> None:
    """Serves until SIGTERM or Ctrl-C. Raises ServeError for a port that cannot be had."""
    logging.basicConfig(level="WARNING", format="%(levelname)s %(name)s: %(message)s")
    with StopSignals() as signals, listen(host, port) as listener:
        run_server(_serve(graph, urls, listener, max_body, note, signals))


async def _serve(
    graph: Graph,
    urls: Mapping[str, str],
    listener: socket.socket,
    max_body: int,
    note: Note,
    signals: StopSignals,
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
        server = Server(app, _DRAIN_SECONDS, idle if idle > 0 else 10**9)
        signals.attach(lambda _: stop_or_hurry(server, note))
        note(f"{graph.name} is served at {url_of(listener)}")
        await server.serve(sockets=[listener])

"""One request through a graph with every step written down, services called or played."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from graph.asgi import Answer
from graph.errors import SpecError
from graph.router.transport import http_call
from graph.router.walk import Visit, route
from graph.spec.documents import suggest
from graph.spec.model import Graph
from graph.spec.sources import read_source
from graph.testing.stubs import Played, Stubs, some_played


def trace_request(
    graph: Graph, request_file: str, urls: Mapping[str, str], stub_files: Mapping[str, str]
) -> tuple[list[Visit], Answer]:
    """The steps in the order in which they ended, and the graph's answer.

    `urls` and `stub_files` are by service name, or by the serviceUrl of a step. Raises SpecError
    for a file that cannot be read and for a service that the graph does not have.
    """
    targets = graph.targets()
    for name in (*urls, *stub_files):
        if name not in targets:
            raise SpecError(f'the graph calls no service "{name}"{suggest(name, targets)}')
    body = read_source(request_file)[0].encode()
    scripts = {name: [Played(body=read_source(f)[0].encode())] for name, f in stub_files.items()}
    return asyncio.run(_trace(graph, body, urls, Stubs(scripts)))


async def _trace(
    graph: Graph, body: bytes, urls: Mapping[str, str], stubs: Stubs
) -> tuple[list[Visit], Answer]:
    visits: list[Visit] = []
    async with http_call(urls, graph.timeouts.service_client) as real:
        call = some_played(urls, real, stubs)
        answer = await route(graph, body, (), call, watch=visits.append)
    return visits, answer

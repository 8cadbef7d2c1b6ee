"""One request through a graph with every step written down, services called or played."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from graph.asgi import Answer
from graph.errors import SpecError
from graph.router.transport import http_call
from graph.router.walk import Call, Headers, Visit, route
from graph.spec.documents import suggest
from graph.spec.model import Graph, Step
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


def trace_elsewhere(
    graph: Graph, body: bytes, urls: Mapping[str, str]
) -> tuple[list[Visit], Answer]:
    """The same with nothing played, and with a serviceUrl called at another URL.

    urls: by service name or serviceUrl; a serviceUrl that is not among them is called as it is.
    """
    return asyncio.run(_trace(graph, body, urls, None))


async def _trace(
    graph: Graph, body: bytes, urls: Mapping[str, str], stubs: Stubs | None
) -> tuple[list[Visit], Answer]:
    visits: list[Visit] = []
    async with http_call(urls, graph.timeouts.service_client) as real:
        call = some_played(urls, real, stubs) if stubs else _moved(urls, real)
        answer = await route(graph, body, (), call, watch=visits.append)
    return visits, answer


def _moved(urls: Mapping[str, str], real: Call) -> Call:
    """Calls each target at its URL of `urls`."""

    async def call(step: Step, body: bytes, headers: Headers) -> Answer:
        url = urls.get(step.target, step.service_url)
        return await real(replace(step, service_url=url), body, headers)

    return call

"""Calls that must fail as a StepError, whatever the URL. The rest is held in tests/conformance."""

from __future__ import annotations

import asyncio
import random

import pytest

from graph.errors import StepError
from graph.golang.url import find_url_error
from graph.router.transport import http_call
from graph.spec.model import Step

URLS = (
    "http://127.0.0.1:1/x",
    "https://127.0.0.1:1/",
    "http://[::1]:1/",
    "http://u:p@127.0.0.1:1/",
)
MARKS = "/:@[]%#? \\\"<>é\x7f\x80|{}^`~!$&'()*+,;=01azAZ.-_\u2028😀"


async def test_no_url_breaks_the_router() -> None:
    """URLs with a few characters changed; those that name another host are only parsed."""
    rng = random.Random("urls")
    async with http_call({}, 5) as call:
        for _ in range(500):
            url = rng.choice(URLS)
            for _ in range(rng.randrange(1, 4)):
                at = rng.randrange(len(url) + 1)
                url = url[:at] + rng.choice(MARKS) + url[at + rng.randrange(2) :]
            problem = find_url_error(url)
            if problem is not None or "127.0.0.1:1/" in url or "[" in url:
                with pytest.raises(StepError):
                    await call(Step(service_url=url), b"{}", [])


async def test_a_service_that_no_url_is_known_for() -> None:
    async with http_call({"chat": "http://127.0.0.1:1/"}) as call:
        with pytest.raises(StepError, match='no URL is known for the service "chatt"'):
            await call(Step(service_name="chatt"), b"{}", [])
        with pytest.raises(StepError, match="connection refused"):
            await call(Step(service_name="chat"), b"{}", [])


async def test_a_cancelled_walk_leaves_no_connection_open() -> None:
    ended: asyncio.Queue[bytes] = asyncio.Queue()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"{}")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        ended.put_nowait(await reader.read())
        writer.close()

    async def walk(urls: list[str]) -> None:
        async with http_call({}) as call:
            for url in urls:
                await call(Step(service_url=url), b"{}", [])
            # It takes effect where the walk waits next: while its connections are closed.
            walking.cancel()

    servers = [await asyncio.start_server(answer, "127.0.0.1", 0) for _ in range(2)]
    ports = [server.sockets[0].getsockname()[1] for server in servers]
    walking = asyncio.create_task(walk([f"http://127.0.0.1:{port}/" for port in ports]))
    with pytest.raises(asyncio.CancelledError):
        await walking
    assert [await asyncio.wait_for(ended.get(), 10) for _ in servers] == [b"", b""]
    for server in servers:
        server.close()

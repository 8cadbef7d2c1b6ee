"""A request at work ends when its connections are shut, on every event loop that serves."""

from __future__ import annotations

import asyncio
import gc
import os

import httpx2
import pytest
import uvloop

from predictors.engines.connections import Connections

LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]


async def ask_in_vain(connections: Connections, close_first: bool) -> None:
    """Asks a server that answers nobody, and shuts the connection from another thread."""
    asked, end = asyncio.Event(), asyncio.Event()

    async def keep(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await end.wait()
        writer.close()

    server = await asyncio.start_server(keep, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async def ask() -> None:
        async with httpx2.AsyncClient(timeout=None, trust_env=False) as client:
            with connections.one() as extensions:
                await client.get(url, extensions=extensions)

    if close_first:
        connections.close()
    asking = asyncio.create_task(ask())
    await asked.wait()
    await asyncio.to_thread(connections.close)
    with pytest.raises(httpx2.TransportError):
        await asyncio.wait_for(asking, 30)
    end.set()
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize("close_first", [True, False])
@pytest.mark.parametrize("loop", LOOPS)
def test_a_connection_is_shut_from_another_thread(loop, close_first: bool) -> None:
    with asyncio.Runner(loop_factory=loop) as runner:
        # The first loop of a kind opens what the process keeps.
        runner.run(asyncio.sleep(0))
    before = len(os.listdir("/proc/self/fd"))
    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(ask_in_vain(Connections(), close_first))
    gc.collect()
    # Nothing that it opened is left.
    assert len(os.listdir("/proc/self/fd")) == before

"""The port that a server takes."""

from __future__ import annotations

import asyncio
import socket

from graph.http.server import listen


async def test_what_a_server_writes_does_not_wait_for_an_acknowledgement() -> None:
    with listen("127.0.0.1", 0) as listener:
        found: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        async def look(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            accepted = writer.get_extra_info("socket")
            found.set_result(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        async with await asyncio.start_server(look, sock=listener):
            _, writer = await asyncio.open_connection(*listener.getsockname()[:2])
            sends_at_once = await found
            writer.close()
            await writer.wait_closed()
    assert sends_at_once

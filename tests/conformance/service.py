"""A real HTTP server that plays all services of a graph and records what it receives.

The first segment of a path names the service; its replies are taken in turn, the last one again
and again. `redirect/...` style behaviour is plain data: a reply with a status and a location.
Faults are real: bytes that are no HTTP, a body that is cut off, a connection that just ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from tests.conformance.exchange import Received, Reply

_NOT_SCRIPTED = Reply(status=404, body=b'{"error":"not scripted"}')


class Service:
    """The scripted server. `calls` is what came since the last `script`, `connections` all ever."""

    def __init__(self) -> None:
        self.calls: list[Received] = []
        self.connections = 0
        self._replies: Mapping[str, Sequence[Reply]] = {}
        self._counts: dict[str, int] = {}
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self) -> str:
        """Listens on a free port of the loopback interface; the address as `host:port`."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()
        return f"{host}:{port}"

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self._writers):
            writer.close()
        await self._server.wait_closed()

    def script(self, replies: Mapping[str, Sequence[Reply]]) -> None:
        self.calls = []
        self._replies = replies
        self._counts = {}

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        self.connections += 1
        try:
            while await self._serve_one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client closed the connection
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answers one request; false when the connection ends."""
        call = await _read_request(reader)
        reply = self._next_reply(call.service)
        self.calls.append(call)
        if reply.delay:
            await asyncio.sleep(reply.delay)
        if reply.raw is not None:
            writer.write(reply.raw)
            await writer.drain()
            return False
        writer.write(_render(reply, call.method))
        await writer.drain()
        return reply.promise is None

    def _next_reply(self, service: str) -> Reply:
        replies = self._replies.get(service, (_NOT_SCRIPTED,))
        count = self._counts.get(service, 0)
        self._counts[service] = count + 1
        return replies[min(count, len(replies) - 1)]


async def _read_request(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip("\r\n").split("\r\n")
    method, target, _ = first.split(" ")
    pairs = tuple(
        (name, value.strip()) for name, _, value in (line.partition(":") for line in lines)
    )
    lengths = [value for name, value in pairs if name.lower() == "content-length"]
    chunked = any(name.lower() == "transfer-encoding" for name, _ in pairs)
    body = await read_chunks(reader) if chunked else b""
    if lengths:
        body = await reader.readexactly(int(lengths[0]))
    return Received(target.split("/")[1].partition("?")[0], method, target, body, pairs)


async def read_chunks(reader: asyncio.StreamReader) -> bytes:
    """A body in chunked transfer encoding."""
    body = b""
    while size := int(await reader.readline(), 16):
        body += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return body


def _render(reply: Reply, method: str) -> bytes:
    lines = [f"HTTP/1.1 {reply.status} Scripted"]
    lines += [f"{name}: {value}" for name, value in reply.headers]
    if reply.status >= 200 and reply.status not in (204, 304):
        length = len(reply.body) if reply.promise is None else reply.promise
        lines.append(f"Content-Length: {length}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + reply.body

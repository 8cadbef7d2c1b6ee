"""A TCP proxy that does to a connection what networks do: delay, cut, and fall silent.

It stands between a client and a server that are both real. A fault is applied to every connection
until another one is set.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

R = TypeVar("R")
_CHUNK = 65536
# SO_LINGER with no time: `close` sends a reset instead of an orderly end.
_RESET = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class Fault:
    """What happens to the server's answer.

    delay: seconds before its first byte.  cut: bytes of it that pass before the connection is
    reset; -1 lets all pass.  silent: the server is never asked and nothing ever comes back.  piece,
    pause: so many bytes at a time, with so many seconds between them; 0 passes all as it comes.
    """

    delay: float = 0.0
    cut: int = -1
    silent: bool = False
    piece: int = 0
    pause: float = 0.0


NONE = Fault()


class Proxy:
    """Listens on a free port of the loopback interface and forwards to `port` of `host`."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self.fault = NONE
        self.connections = 0
        self._server = host, port
        # Of all connections there ever were: one that is closed may still have something to send.
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._listening = self._run(asyncio.start_server(self._accept, "127.0.0.1", 0))
        self.port = int(self._listening.sockets[0].getsockname()[1])

    def set(self, fault: Fault) -> None:
        """From now on. Connections that are open are closed, so that pools hold none."""
        self.fault = fault
        self._run(self._close_all())

    def close(self) -> None:
        self._run(self._stop_accepting())
        self._run(self._close_all())
        self._run(self._abort_all())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, coroutine: Coroutine[Any, Any, R]) -> R:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    async def _close_all(self) -> None:
        for writer in list(self._writers):
            writer.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _stop_accepting(self) -> None:
        """Tasks that are not ours are asyncio's, and hold connections that it has just accepted.

        They need the server, so it is closed after them: who cancelled them, or closed it before,
        would leave sockets that nobody closes.
        """
        for listener in self._listening.sockets:
            self._loop.remove_reader(listener.fileno())
        while others := asyncio.all_tasks() - self._tasks - {asyncio.current_task()}:
            await asyncio.wait(others)
        self._listening.close()

    async def _abort_all(self) -> None:
        """Nobody reads any more what they would send before they end."""
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.sleep(0)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Plain, so that the writer is known, and closed, even if its task is never begun."""
        self.connections += 1
        self._writers.add(writer)
        self._begin(self._serve(reader, writer))

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        fault = self.fault
        try:
            if fault.silent:
                while await reader.read(_CHUNK):
                    pass
                return
            there, back = await asyncio.open_connection(*self._server)
            self._writers.add(back)
            forward = self._begin(_copy(reader, back))
            try:
                await _answer(there, writer, fault)
            finally:
                forward.cancel()
                back.close()
        except (ConnectionError, asyncio.CancelledError):
            pass  # one of the two has left, or `set` ended it; asyncio reports a cancelled handler
        finally:
            writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, fault: Fault) -> None:
    passed = 0
    while data := await reader.read(fault.piece or _CHUNK):
        await asyncio.sleep(fault.pause if passed else fault.delay)
        if 0 <= fault.cut < passed + len(data):
            writer.write(data[: fault.cut - passed])
            await writer.drain()
            connection = writer.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            writer.transport.abort()
            return
        writer.write(data)
        await writer.drain()
        passed += len(data)


@contextmanager
def proxied(port: int, host: str = "127.0.0.1") -> Iterator[Proxy]:
    proxy = Proxy(port, host)
    try:
        yield proxy
    finally:
        proxy.close()

"""One HTTP server for all that Parley serves: how it takes its port, how it drains, how it ends.

uvicorn speaks HTTP. Its own handling of signals would end the process before models are closed, and
it logs a traceback for every request that it cancels, so both are done here.
"""

from __future__ import annotations

import asyncio
import errno
import math
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import uvicorn
from uvicorn.loops.auto import auto_loop_factory

from graph.asgi import App, Message, Receive, Scope, Send, answer_error, send_answer
from graph.errors import NotReady, ServeError
from graph.http.head import protocol
from graph.turn.timeouts import KEEP_ALIVE

# Threads that still work for cancelled requests keep a process no longer than this.
HURRY_SECONDS = 3.0
CLOSE_SECONDS = 10.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def listen(host: str, port: int) -> socket.socket:
    """A bound TCP socket. Raises ServeError that names the port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sends at once only on sockets that name their protocol. On others an answer's body
    # waits until the client acknowledges its head, which a kept connection does 40 ms late.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except (OSError, OverflowError) as err:
        listener.close()
        in_use = isinstance(err, OSError) and err.errno == errno.EADDRINUSE
        reason = "is in use" if in_use else f"cannot be used ({err})"
        raise ServeError(f"port {port} on {host} {reason}; choose another one") from err
    return listener


def url_of(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Server(uvicorn.Server):
    """uvicorn that is stopped by its owner: `stop` drains it, `hurry` ends what still runs."""

    def __init__(
        self, app: Any, drain_seconds: float, keep_alive_seconds: float = KEEP_ALIVE
    ) -> None:
        """By default, idle connections are kept longer than Envoy and KServe's router keep them."""
        super().__init__(
            uvicorn.Config(
                _refuse_cancelled(app),
                http=protocol(),
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                # Nothing here asks who the client is.
                proxy_headers=False,
                # uvicorn takes any number, whatever its types say.
                timeout_keep_alive=keep_alive_seconds,  # type: ignore[arg-type]
                timeout_graceful_shutdown=math.ceil(drain_seconds),
            )
        )

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    @property
    def under_way(self) -> int:
        """Requests that have no answer yet."""
        return len(self.server_state.tasks)

    def stop(self) -> None:
        """Take no new connection, answer what is under way, then end."""
        self.should_exit = True

    def hurry(self) -> None:
        """Refuse what is under way, then end. A process that hangs after that is ended too."""
        self.should_exit = True
        for task in self.server_state.tasks:
            task.cancel()
        end_process_after(HURRY_SECONDS)


class StopSignals:
    """SIGINT and SIGTERM as calls of `handle`, from before the event loop runs until it has ended.

    A signal that comes before `attach` is handled then. After the `with` block a signal ends the
    process at once and silently: only the end of the process is left.
    """

    def __init__(self) -> None:
        self._early: list[int] = []
        self._handle: Callable[[int], None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def __enter__(self) -> StopSignals:
        for number in _SIGNALS:
            signal.signal(number, self._receive)
        return self

    def __exit__(self, *_: object) -> None:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_DFL)

    def attach(self, handle: Callable[[int], None]) -> None:
        """Call `handle` with the number of each signal, on the running loop."""
        self._loop = asyncio.get_running_loop()
        self._handle = handle
        for number in self._early:
            handle(number)

    def _receive(self, number: int, _: Any) -> None:
        if self._loop is None or self._handle is None:
            self._early.append(number)
        elif not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._handle, number)


def run_server(main: Coroutine[Any, Any, None]) -> None:
    """Run `main` as `asyncio.run` does, on uvloop where that is installed."""
    with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
        runner.run(main)


def stop_or_hurry(server: Server, note: Callable[[str], None]) -> None:
    """What a signal does: the first one drains, every other one hurries."""
    if not server.should_exit:
        waiting = server.under_way
        end = f"{waiting} under way; Ctrl-C again refuses them" if waiting else "none under way"
        server.stop()
        note(f"stopping when all requests are answered: {end}")
    else:
        waiting = server.under_way
        server.hurry()
        note(f"stopping at once: {waiting} request{' is' if waiting == 1 else 's are'} refused")


async def serve_while_loading(
    server: Server,
    listener: socket.socket,
    load: Callable[[], None],
    ready: Callable[[], None],
    close: Callable[[], None],
) -> None:
    """Serve until the server is stopped; `load` runs meanwhile, and `ready` is called after it.

    `load` and `close` may block. Raises what `load` raises.
    """
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    loading = asyncio.create_task(asyncio.to_thread(load))
    try:
        await asyncio.wait({serving, loading}, return_when=asyncio.FIRST_COMPLETED)
        if loading.done():
            loading.result()
            ready()
        await serving
    finally:
        server.stop()
        await asyncio.gather(serving, return_exceptions=True)
        if not loading.done():
            # A thread that loads a model cannot be stopped, and it has nothing to lose.
            _end_process(0)
        end_process_after(CLOSE_SECONDS, 0)
        await asyncio.to_thread(close)


def end_process_after(seconds: float, code: int = 1) -> None:
    """End the process then, unless it has ended by itself."""
    timer = threading.Timer(seconds, _end_process, [code])
    timer.daemon = True
    timer.start()


def _end_process(code: int) -> None:
    """Without waiting for threads."""
    for stream in (sys.stdout, sys.stderr):
        # Nobody may read it any more.
        with suppress(OSError):
            stream.flush()
    os._exit(code)


def _refuse_cancelled(app: App) -> App:
    """The application, which answers 503 where the server cancels it: nothing else may."""

    async def answering(scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def note_and_send(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await app(scope, receive, note_and_send)
        except asyncio.CancelledError:
            if not started:
                await send_answer(send, answer_error(NotReady("the server was stopped")))

    return answering

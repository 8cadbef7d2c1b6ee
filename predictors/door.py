"""An ASGI door before a KServe application: bounds and checks a body, and leaves with the client.

KServe's server reads bodies of any size, takes other shapes than ours (CloudEvents, raw bytes) and
works on for a client that is gone. Behind this door it sees only JSON of the contract.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any

from graph.contract import LIMITS
from graph.errors import DeadlineExceeded, NotReady, NotServed, ParleyError, TooLarge
from predictors.handler import Handler, error_answer

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_PREDICT = re.compile(r"/v1/models/([^/:]+):predict")
_BODY_SECONDS = 30.0


class Door:
    """Lets checked predict requests and body-less reads through to `app`, and nothing else."""

    def __init__(self, app: App, handlers: Iterable[Handler]) -> None:
        self._app = app
        self._handlers: Mapping[str, Handler] = {handler.name: handler for handler in handlers}
        # While the server drains, every answer closes its connection, so that clients with pooled
        # connections go elsewhere before the listener is shut.
        self.draining = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"no {scope['type']} here")
        if self.draining:
            send = _closing(send)
        try:
            await self._pass(scope, receive, send)
        except ParleyError as err:
            await send_error(send, err)

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] in ("GET", "HEAD"):
            if self.draining and scope["path"].startswith("/v1/models/"):
                raise NotReady("the server is draining")
            await self._app(scope, _empty, send)
            return
        match = _PREDICT.fullmatch(scope["path"])
        handler = self._handlers.get(match[1]) if match else None
        if handler is None or scope["method"] != "POST":
            raise NotServed(_directions(scope, self._handlers))
        body = await read_body(scope, receive)
        handler.read(body)
        await run_for_client(self._app(_as_json(scope), _replay(body), send), receive)


async def read_body(scope: Scope, receive: Receive, limit: int = LIMITS.body) -> bytes:
    """The request's body. Raises TooLarge at the first byte over `limit`, however it is sent."""
    length = dict(scope["headers"]).get(b"content-length", b"0")
    if length.isdigit() and int(length) > limit:
        raise TooLarge("body", f"{int(length)} bytes, at most {limit} are taken")
    parts = bytearray()
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise asyncio.CancelledError
                parts += message.get("body", b"")
                if len(parts) > limit:
                    raise TooLarge("body", f"more than {limit} bytes")
                if not message.get("more_body"):
                    return bytes(parts)
    except TimeoutError as err:
        raise DeadlineExceeded(f"body: not complete within {_BODY_SECONDS:g} s") from err


async def run_for_client(work: Awaitable[None], receive: Receive) -> None:
    """Run `work`, and cancel it when the client closes the connection."""
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_disconnected(receive))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        gone.cancel()
        if not task.done():
            task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        if not task.cancelled():
            raise


async def send_error(send: Send, err: ParleyError) -> None:
    """The error as a JSON answer."""
    answer = error_answer(err)
    body = answer.body()
    named = {"content-type": "application/json", "content-length": str(len(body))}
    headers = [(k.encode(), v.encode()) for k, v in {**named, **answer.headers}.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _empty() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


def _replay(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def _as_json(scope: Scope) -> Scope:
    """The scope with headers that make KServe read JSON, whatever the client called it."""
    kept = [
        (name, value)
        for name, value in scope["headers"]
        if name != b"content-type" and not name.startswith(b"ce-")
    ]
    return {**scope, "headers": [*kept, (b"content-type", b"application/json")]}


def _closing(send: Send) -> Send:
    async def send_and_close(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], (b"connection", b"close")]}
        await send(message)

    return send_and_close


def _directions(scope: Scope, handlers: Mapping[str, Handler]) -> str:
    paths = ", ".join(f"/v1/models/{name}:predict" for name in handlers)
    return f"{scope['method']} {scope['path'][:100]}: nothing here; POST to {paths}"

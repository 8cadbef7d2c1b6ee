"""The ASGI middleware before a KServe application: bounds what comes in, leaves with the client.

KServe's server reads bodies of any size, offers routes that are not for everybody and works on for
a client that is gone. Behind this middleware it sees predict requests within their bounds and
reads without a body, and nothing else. What a body says is checked once, by the handler.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from graph.asgi import (
    App,
    ClientGone,
    Message,
    Receive,
    Scope,
    Send,
    answer_error,
    run_for_client,
    send_answer,
)
from graph.completions.answers import answer_error as completion_error
from graph.errors import DeadlineExceeded, NotReady, NotServed, ParleyError
from graph.http.bodies import BodyBudget, HeldBody
from graph.telemetry.trace_context import traceparent_of, within
from graph.turn.timeouts import READ
from predictors.door.completions import CHAT, PREFIX
from predictors.door.handler import Handler
from predictors.door.reports import report
from predictors.door.watching import refusing

_PREDICT = re.compile(r"/v1/models/([^/:]+):predict")


class RequestGuard:
    """Lets predict requests and body-less reads through to `app`, and nothing else."""

    def __init__(self, app: App, handlers: Iterable[Handler]) -> None:
        self._app = app
        self._handlers: Mapping[str, Handler] = {handler.name: handler for handler in handlers}
        # The largest body that is taken, and half as much of others beside it.
        self._bodies = BodyBudget(max(h.limits.body for h in self._handlers.values()) * 3 // 2)
        # While the server drains, every answer closes its connection, so that clients with pooled
        # connections go elsewhere before the listener is shut.
        self.draining = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"a predictor does not speak {scope['type']}")
        if self.draining:
            send = _closing(send)
        try:
            with within(traceparent_of(scope["headers"])):
                await self._pass(scope, receive, send)
        except ParleyError as err:
            if scope["method"] == "POST":
                report(err)
            completing = scope["path"].startswith(PREFIX)
            await send_answer(send, (completion_error if completing else answer_error)(err))
        except ClientGone:
            return

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] in ("GET", "HEAD"):
            if self.draining and scope["path"].startswith(("/v1/models/", "/readyz")):
                raise NotReady("the server is draining")
            await self._app(scope, _empty, send)
            return
        asked = self._asked(scope["path"]) if scope["method"] == "POST" else []
        if not asked:
            raise NotServed(_directions(scope, self._handlers))
        with self._bodies.one() as held:
            limit = max(handler.limits.body for handler in asked)
            with refusing(handler.watch for handler in asked):
                body = await _read_in_time(held, scope, receive, limit)
            await run_for_client(self._app(scope, _replay(body), send), receive)

    def _asked(self, path: str) -> list[Handler]:
        """The handlers that a request to this path may be for."""
        if path == CHAT:
            return [handler for handler in self._handlers.values() if handler.writes]
        match = _PREDICT.fullmatch(path)
        return [self._handlers[match[1]]] if match and match[1] in self._handlers else []


async def _read_in_time(held: HeldBody, scope: Scope, receive: Receive, limit: int) -> bytes:
    try:
        return await held.read(scope, receive, limit, READ)
    except TimeoutError as err:
        raise DeadlineExceeded(f"body: not complete within {READ} s") from err


async def _empty() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


def _replay(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def _closing(send: Send) -> Send:
    async def send_and_close(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], (b"connection", b"close")]}
        await send(message)

    return send_and_close


def _directions(scope: Scope, handlers: Mapping[str, Handler]) -> str:
    paths = [f"/v1/models/{name}:predict" for name in handlers]
    if any(handler.writes for handler in handlers.values()):
        paths.append(CHAT)
    return f"{scope['method']} {scope['path'][:100]}: nothing here; POST to {', '.join(paths)}"

"""The gateway over HTTP: OpenAI's paths, within limits, for whoever has a key; and a chat page.

Keys are for what is below /v1. Metrics are no part of any route, and who reaches them is a matter
of the network, as it is for the predictors'.

A client that leaves ends its turn at once: the walk, the chat's writing, and every sentence that is
being translated.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from graph import contract
from graph.asgi import (
    Answer,
    ClientGone,
    Receive,
    Scope,
    Send,
    aside,
    json_answer,
    run_for_client,
    send_answer,
)
from graph.completions.answers import Completion, Ending, describe_model, list_models
from graph.completions.request import ChatRequest, read_request
from graph.completions.stream import Out, send_error, send_in_events, send_whole
from graph.errors import DeadlineExceeded, NotServed, ParleyError
from graph.gateway.gateway import Gateway
from graph.gateway.keys import ApiKeys
from graph.gateway.metrics import GatewayMetrics
from graph.gateway.models import Models
from graph.gateway.page import Page
from graph.gateway.spans import turn_span
from graph.http.bodies import BodyBudget
from graph.telemetry.exposition import METRICS, MetricsApp
from graph.telemetry.telemetry import Telemetry
from graph.telemetry.trace_context import traceparent_of, within
from graph.turn.checks import check_request_id
from graph.turn.limits import PUBLIC_LIMITS
from graph.turn.places import Places
from graph.turn.timeouts import DEFAULT, READ

CHAT = "/v1/chat/completions"
MODELS = "/v1/models"
READY = "/readyz"
_REQUEST_ID = b"x-request-id"
# Bodies of the largest size that may be held at once.
_BODIES = 8


@dataclass(frozen=True)
class GatewayLimits:
    """inflight: turns at once, over which one more is refused.  seconds: for a whole answer."""

    inflight: int = 512
    seconds: float = float(DEFAULT.gateway)


@dataclass
class GatewayApp:
    """The ASGI application. ready: whether the graph's services are, as far as that is known.

    places: those that its turns share with others, by default its own, as the limits say.
    """

    gateway: Gateway
    keys: ApiKeys = field(default_factory=ApiKeys)
    limits: GatewayLimits = field(default_factory=GatewayLimits)
    ready: Callable[[], bool] = lambda: True
    telemetry: Telemetry = field(default_factory=Telemetry)
    places: Places | None = None

    def __post_init__(self) -> None:
        self._metrics = GatewayMetrics(self.telemetry.registry, self.gateway.histories)
        self._show_metrics = MetricsApp(self.telemetry.registry)
        self.use(self.gateway)
        self._bodies = BodyBudget(_BODIES * PUBLIC_LIMITS.body)
        self._created = int(time.time())
        self.page = Page.read()
        self._places = self.places or Places(self.limits.inflight)

    def use(self, gateway: Gateway) -> None:
        """Take the turns that come from now on through another graph."""
        self.gateway = gateway
        self.models = Models.of(gateway.graph, gateway.services)
        self._metrics.use(gateway, self.models)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"a gateway does not speak {scope['type']}")
        with within(traceparent_of(scope["headers"])):
            await self._respond(scope, receive, send)

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = ""
        try:
            if scope["path"] == READY and scope["method"] in ("GET", "HEAD"):
                await send_answer(send, Answer(200 if self.ready() else 503))
                return
            if self.page.has(scope):
                await self.page.answer(scope, send)
                return
            if scope["path"] == METRICS and scope["method"] in ("GET", "HEAD"):
                await self._show_metrics(scope, receive, send)
                return
            request_id = _request_id(scope)
            self.keys.check(scope["headers"])
            await self._answer(scope, receive, send, request_id)
        except ParleyError as err:
            err.request_id = err.request_id or request_id
            self._metrics.refuse(err)
            await send_error(err, send)
        except ClientGone:
            return

    async def _answer(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        method, path = scope["method"], scope["path"]
        if method == "POST" and path == CHAT:
            with self._bodies.one() as held:
                try:
                    body = await held.read(scope, receive, PUBLIC_LIMITS.body, READ)
                except TimeoutError as err:
                    raise DeadlineExceeded(f"body: not complete within {READ} s") from err
                await run_for_client(self._complete(body, request_id, send), receive)
        elif method in ("GET", "HEAD") and path == MODELS:
            await send_answer(send, json_answer(200, list_models(self.models.names, self._created)))
        elif method in ("GET", "HEAD") and path.startswith(f"{MODELS}/"):
            name = path.removeprefix(f"{MODELS}/")
            self.models.language_of(name)
            await send_answer(send, json_answer(200, describe_model(name, self._created)))
        else:
            raise NotServed(f"{method} {path[:100]}: nothing here; POST to {CHAT}")

    async def _complete(self, body: bytes, request_id: str, send: Send) -> None:
        limits = PUBLIC_LIMITS
        request = await aside(len(body), lambda: read_request(contract.parse_body(body, limits)))
        language = self.models.language_of(request.model)
        completion = Completion(request_id, int(time.time()), request.model)

        async def write(out: Out) -> Ending:
            return await self._write(request, request_id, language, out)

        if request.stream:
            await send_in_events(completion, write, send, request.include_usage)
        else:
            await send_whole(completion, write, send)

    async def _write(
        self, request: ChatRequest, request_id: str, language: str, out: Out
    ) -> Ending:
        with (
            self._places.one(),
            self._metrics.turn(out.put, request.stream) as turn,
            turn_span(self.telemetry.tracing, request, request_id, turn),
        ):
            watched = replace(out, put=turn.put)
            answering = self.gateway.answer(request, request_id, language, watched)
            turn.ending = await self._in_time(answering)
            return turn.ending

    async def _in_time(self, answering: Awaitable[Ending]) -> Ending:
        try:
            async with asyncio.timeout(self.limits.seconds):
                return await answering
        except TimeoutError as err:
            raise DeadlineExceeded(f"no answer within {self.limits.seconds:g} s") from err


def _request_id(scope: Scope) -> str:
    """The client's own name for its turn, or a new one. Raises RequestError."""
    given = dict(scope["headers"]).get(_REQUEST_ID, b"").decode("latin-1")
    if given:
        check_request_id(given, _REQUEST_ID.decode(), PUBLIC_LIMITS)
    return given or uuid.uuid4().hex

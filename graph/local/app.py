"""The ASGI application of a local graph: the graph and each of its predictors behind one port."""

from __future__ import annotations

import re
from collections.abc import Mapping

from graph.asgi import App, Receive, Scope, Send, answer_error, json_answer, send_answer
from graph.contract import PUBLIC
from graph.http.openapi import PATH, Door, Json, describe, predictor_door
from graph.local.build import LocalGraph
from graph.router.app import graph_app, limits_of
from graph.telemetry.exposition import METRICS
from graph.telemetry.telemetry import Telemetry
from predictors.door.completions import PREFIX
from predictors.door.middleware import RequestGuard
from predictors.serving import build_app

_MODELS = re.compile(r"/v1/models(?:/([^/:]*)(.*))?")
_COMPLETIONS = f"{PREFIX}/"


def app_of(
    local: LocalGraph,
    openapi: bool = False,
    gateway: bool = False,
    telemetry: Telemetry | None = None,
) -> App:
    """`/v1/models/NAME`, its `:predict` and `/openai/v1` are the predictors'; all else the graph's.

    `/v1/models` lists the predictors, and a name that no predictor has is answered 404. The
    graph's own name is one more path to the graph.  openapi: whether `GET /openapi.json` describes
    them.  gateway: whether a gateway, which is described with them, stands before it.  telemetry:
    the process's own, which `GET /metrics` answers with.
    """
    handlers = list(local.handlers.values())
    predictors = RequestGuard(build_app(handlers, telemetry=telemetry), handlers)
    graph = graph_app(
        local.route,
        limits_of(local.graph.timeouts),
        ready=lambda: all(handler.ready for handler in handlers),
    )

    description = json_answer(200, describe_graph(local, gateway)) if openapi else None

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        match = _MODELS.fullmatch(scope.get("path", ""))
        name = match[1] if match else None
        asked = scope.get("path") == PATH and scope["method"] in ("GET", "HEAD")
        if description is not None and asked:
            await send_answer(send, description)
        elif scope.get("path", "").startswith(_COMPLETIONS) or _asks_for_metrics(scope):
            await predictors(scope, receive, send)
        elif match is None or (name == local.graph.name and match[2] == ":predict"):
            await graph(scope, receive, send)
        elif name is None or name in local.handlers:
            await predictors(scope, receive, send)
        else:
            await send_answer(send, answer_error(local.not_served(name[:100])))

    return app


def with_gateway(app: App, local: LocalGraph, telemetry: Telemetry | None = None) -> App:
    """The same behind a gateway: the chat page, `/v1/chat/completions`, and OpenAI's `/v1/models`.

    What has the name of a predictor below `/v1/models` stays the predictor's.  telemetry: the same
    as the application's.
    """
    from graph.gateway.app import CHAT, MODELS, GatewayApp
    from graph.gateway.gateway import Gateway
    from graph.gateway.histories import Histories

    gateway = GatewayApp(
        Gateway.of(local.graph, local.services, local.call, local.ask_chat, Histories()),
        telemetry=telemetry or Telemetry(),
        places=local.places,
    )

    async def both(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        model = path.removeprefix(f"{MODELS}/")
        is_model = scope.get("method") == "GET" and model in gateway.models.names
        is_page = scope["type"] == "http" and gateway.page.has(scope)
        answers = path in (CHAT, MODELS) or is_model or is_page
        await (gateway if answers else app)(scope, receive, send)

    return both


def _asks_for_metrics(scope: Scope) -> bool:
    return scope.get("path") == METRICS and scope["method"] in ("GET", "HEAD")


def describe_graph(local: LocalGraph, gateway: bool = False) -> Json:
    """The OpenAPI document of the graph and its predictors, and of a gateway's paths."""
    doors = [predictor_door(name, each.predictor.schema) for name, each in local.handlers.items()]
    paths = _gateway_paths(local) if gateway else {}
    return describe(local.graph.name, [Door("/", PUBLIC, graph=True), *doors], paths)


def _gateway_paths(local: LocalGraph) -> Mapping[str, Json]:
    from graph.gateway.models import Models
    from graph.gateway.openapi import completion_paths

    return completion_paths(Models.of(local.graph, local.services).names)

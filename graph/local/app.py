"""The ASGI application of a local graph: the graph and each of its predictors behind one port."""

from __future__ import annotations

import re

from graph.asgi import App, Receive, Scope, Send
from graph.local.build import LocalGraph
from graph.router.app import graph_app, limits_of
from predictors.middleware import RequestGuard
from predictors.serving import build_app

_PREDICTOR_PATH = re.compile(r"/v1/models/([^/:]+)(:predict)?")


def app_of(local: LocalGraph) -> App:
    """`/v1/models/NAME` and its `:predict` are the predictors; every other path is the graph's."""
    handlers = list(local.handlers.values())
    predictors = RequestGuard(build_app(handlers), handlers)
    graph = graph_app(
        local.route,
        limits_of(local.graph.timeouts),
        ready=lambda: all(handler.ready for handler in handlers),
    )

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        match = _PREDICTOR_PATH.fullmatch(scope.get("path", ""))
        chosen = predictors if match and match[1] in local.handlers else graph
        await chosen(scope, receive, send)

    return app

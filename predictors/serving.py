"""The KServe server of predictors: V1 protocol, readiness, drain; the one with kserve in it.

KServe's own ModelServer parses the process's arguments when it is imported, lets anybody unload a
model, calls itself ready before the model is, and reads bodies of any size. So its parts are used:
its model class, registry, data plane, V1 routes and metrics, on an application of ours behind a
middleware (middleware.py) that bounds what comes in. V2, gRPC and explain are not offered.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from graph.asgi import json_answer
from graph.errors import ParleyError
from graph.http.openapi import PATH, describe, predictor_door
from graph.http.server import Server, StopSignals, listen, run_server, serve_while_loading
from graph.imports import without_arguments
from graph.telemetry.exposition import METRICS, MetricsApp
from graph.telemetry.telemetry import Telemetry
from graph.telemetry.tracing import read_tracing
from predictors.door.answers import answer_errors
from predictors.door.completions import CHAT, MODELS, Completions
from predictors.door.handler import Handler, close_all, load_all
from predictors.door.logs import set_up_logging
from predictors.door.middleware import RequestGuard
from predictors.door.stopping import Stopping
from predictors.door.telemetry import watch_all
from predictors.predictor import Predictor
from predictors.progress import Progress, on_terminal
from predictors.settings import OptionError, PredictorSettings, ServerSettings
from predictors.sharing import Shared

log = logging.getLogger(__name__)

_MODEL = "/v1/models/{model_name}"
Built = tuple[Predictor, PredictorSettings]
# Arguments, environment, progress, and what the models of the process share.
Build = Callable[[Sequence[str], Mapping[str, str], Progress, Shared], Built]
BuildAll = Callable[
    [Sequence[str], Mapping[str, str], Progress, Shared], tuple[Sequence[Built], ServerSettings]
]


def run(
    prog: str, build: Build, argv: Sequence[str] | None, environ: Mapping[str, str] | None
) -> int:
    """The whole of a predictor's `main`: 0 after a clean stop, 1 failed, 2 wrong options."""

    def build_one(
        words: Sequence[str], variables: Mapping[str, str], progress: Progress, shared: Shared
    ) -> tuple[Sequence[Built], ServerSettings]:
        predictor, settings = build(words, variables, progress, shared)
        return [(predictor, settings)], settings

    return run_all(prog, build_one, argv, environ)


def run_all(
    prog: str, build: BuildAll, argv: Sequence[str] | None, environ: Mapping[str, str] | None
) -> int:
    """The same for a `main` that serves several predictors on one port."""
    try:
        with on_terminal(sys.stderr) as progress:
            built, settings = build(
                sys.argv[1:] if argv is None else argv,
                os.environ if environ is None else environ,
                progress,
                Shared(),
            )
        handlers = [make_handler(*each) for each in built]
        variables = os.environ if environ is None else environ
        telemetry = Telemetry(tracing=read_tracing(variables, _names(handlers)))
        return serve(handlers, settings, telemetry)
    except ParleyError as err:
        print(f"{prog}: {err}", file=sys.stderr)
        return 2 if isinstance(err, OptionError) else 1


def make_handler(predictor: Predictor, settings: PredictorSettings) -> Handler:
    return Handler(
        predictor,
        max_inflight=settings.max_inflight,
        max_queue_seconds=settings.max_queue_seconds,
        request_timeout=settings.request_timeout,
        turn_timeout=settings.turn_timeout,
        clock_skew=settings.clock_skew,
    )


def serve(handlers: Sequence[Handler], settings: ServerSettings, telemetry: Telemetry) -> int:
    """Serve until SIGTERM or SIGINT. The port opens at once; readiness follows the models' load."""
    set_up_logging(settings.log_level, settings.log_format, settings.log_texts == "yes")
    with StopSignals() as signals, listen(settings.host, settings.http_port) as listener:
        try:
            run_server(_serve(handlers, listener, settings, telemetry, signals))
        finally:
            telemetry.tracing.close()
    log.info("%s stopped", _names(handlers))
    return 0


def build_app(
    handlers: Sequence[Handler], openapi: bool = False, telemetry: Telemetry | None = None
) -> Any:
    """The KServe V1 application of some predictors: predict, readiness, model list, metrics.

    openapi: whether it describes itself at `/openapi.json`.  telemetry: the process's own, by
    default one of this application alone.
    """
    with without_arguments():
        from kserve import ModelRepository
        from kserve.errors import ModelNotFound, ModelNotReady
        from kserve.metrics import POST_HIST_TIME, PRE_HIST_TIME, PREDICT_HIST_TIME
        from kserve.protocol.rest.v1_endpoints import V1Endpoints
    from fastapi import FastAPI
    from starlette.routing import Route

    telemetry = telemetry or Telemetry()
    watch_all(handlers, telemetry)
    # For dashboards that were made for KServe. They are the SDK's own, of the whole process.
    for collector in (PRE_HIST_TIME, PREDICT_HIST_TIME, POST_HIST_TIME):
        telemetry.registry.register(collector)
    registry = ModelRepository()
    for handler in handlers:
        registry.update(_kserve_model(handler))
    data_plane = _data_plane(registry)
    endpoints = V1Endpoints(data_plane)

    async def predict(request: Any) -> Any:
        return await endpoints.predict(request.path_params["model_name"], request)

    app = FastAPI(openapi_url=None)
    # First, and by Starlette alone: FastAPI would take as long to look for parameters in a request
    # as the handler takes for all of it.
    app.router.routes.append(Route(f"{_MODEL}:predict", predict, methods=["POST"]))
    app.add_api_route("/", _all_alive(handlers), methods=["GET"])
    app.add_api_route("/readyz", _all_ready(handlers), methods=["GET"])
    if openapi:
        app.add_api_route(PATH, _description(handlers), methods=["GET"])
    app.add_api_route("/v1/models", endpoints.models, methods=["GET"])
    app.add_api_route(_MODEL, endpoints.model_ready, methods=["GET"])
    app.router.routes.append(Route(METRICS, MetricsApp(telemetry.registry), methods=["GET"]))
    writing = [handler for handler in handlers if handler.writes]
    if writing:
        completions = Completions(writing)
        for path, method in ((CHAT, "POST"), (MODELS, "GET"), (MODELS + "/{name}", "GET")):
            app.router.routes.append(Route(path, completions, methods=[method]))
    answer_errors(app, {ModelNotFound: 404, ModelNotReady: 503})
    return app


def _all_alive(handlers: Sequence[Handler]) -> Callable[[], Awaitable[Any]]:
    """Liveness of the process: 503 once an engine is dead, which only a new process brings back."""

    async def answer() -> Any:
        from fastapi.responses import JSONResponse

        dead = {h.name: h.health.problem for h in handlers if not h.health.alive}
        if dead:
            return JSONResponse({"status": "dead", "engines": dead}, 503)
        return JSONResponse({"status": "alive"})

    return answer


def _all_ready(handlers: Sequence[Handler]) -> Callable[[], Awaitable[Any]]:
    """Readiness of the whole process, which may serve several models: 503 until all are loaded."""

    async def answer() -> Any:
        from fastapi.responses import JSONResponse

        waiting = [handler.name for handler in handlers if not handler.ready]
        return JSONResponse({"ready": not waiting, "waiting": waiting}, 503 if waiting else 200)

    return answer


def _description(handlers: Sequence[Handler]) -> Callable[[], Awaitable[Any]]:
    doors = [predictor_door(handler.name, handler.predictor.schema) for handler in handlers]
    document = json_answer(200, describe(_names(handlers), doors))

    async def answer() -> Any:
        from fastapi.responses import Response

        return Response(document.body, document.status, media_type=document.content_type)

    return answer


def _kserve_model(handler: Handler) -> Any:
    import kserve

    class PredictorModel(kserve.Model):  # type: ignore[misc]
        """A Handler as KServe's registry wants a model; `ready` is the handler's own."""

        def __init__(self) -> None:
            super().__init__(handler.name, return_response_headers=True)

        @property
        def ready(self) -> bool:
            return handler.ready

        @ready.setter
        def ready(self, value: bool) -> None:
            """KServe's base class sets it; only the handler knows."""

        async def predict(self, body: Any, _: Any, response_headers: Any) -> bytes:
            # Bytes, because for a dict KServe uses a response class that FastAPI deprecates.
            response_headers["content-type"] = "application/json"
            return (await handler.respond(body)).body

    return PredictorModel()


def _data_plane(registry: Any) -> Any:
    from kserve.protocol.dataplane import DataPlane

    class TurnDataPlane(DataPlane):  # type: ignore[misc]
        """KServe's data plane for JSON of the contract alone, whatever a header calls it."""

        async def model_ready(
            self, model_name: str, disable_predictor_health_check: bool = False
        ) -> Any:
            # The flag is set before a prediction, not by a probe. What can be done without the
            # model, only the handler knows.
            ready = await super().model_ready(model_name, disable_predictor_health_check)
            return ready or disable_predictor_health_check

        def decode(self, body: bytes, headers: Any, *_: Any, **__: Any) -> tuple[Any, Any]:
            # The handler reads it, where it holds up nobody.
            return body, {}

        def encode(
            self, model_name: str, response: Any, headers: Any, req_attributes: Any
        ) -> tuple[Any, Any]:
            return response, {}

    return TurnDataPlane(registry)


async def _serve(
    handlers: Sequence[Handler],
    listener: socket.socket,
    settings: ServerSettings,
    telemetry: Telemetry,
    signals: StopSignals,
) -> None:
    guard = RequestGuard(build_app(handlers, settings.openapi == "yes", telemetry), handlers)
    server = Server(guard, settings.drain_seconds)
    stopping = Stopping(guard, server, settings.drain_delay)
    signals.attach(stopping.handle)
    await serve_while_loading(
        server,
        listener,
        lambda: load_all(handlers),
        lambda: log.info("%s %s ready", _names(handlers), "is" if len(handlers) == 1 else "are"),
        lambda: close_all(handlers),
    )


def _names(handlers: Sequence[Handler]) -> str:
    return ", ".join(handler.name for handler in handlers)

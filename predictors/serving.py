"""The KServe server of a predictor: V1 protocol, readiness, drain; the one file with kserve in it.

KServe's own ModelServer parses the process's arguments when it is imported, lets anybody unload a
model, calls itself ready before the model is, and reads bodies of any size. So its parts are used:
its model class, registry, data plane, V1 routes and metrics, on an application of ours behind a
door (door.py) that bounds and checks what comes in. V2, gRPC and explain are not offered.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import math
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import uvicorn

from graph.errors import ParleyError, ServeError
from predictors.door import Door
from predictors.handler import Answer, Handler, error_answer
from predictors.predictor import Predictor
from predictors.progress import Progress, on_terminal
from predictors.settings import OptionError, ServerSettings

log = logging.getLogger(__name__)

KEEP_ALIVE_SECONDS = 75  # longer than Envoy's and KServe's router's idle connections are kept

Build = Callable[[Sequence[str], Mapping[str, str], Progress], tuple[Predictor, Any]]


def run(
    prog: str, build: Build, argv: Sequence[str] | None, environ: Mapping[str, str] | None
) -> int:
    """The whole of a predictor's `main`: 0 after a clean stop, 1 failed, 2 wrong options."""
    try:
        with on_terminal(sys.stderr) as progress:
            predictor, settings = build(
                sys.argv[1:] if argv is None else argv,
                os.environ if environ is None else environ,
                progress,
            )
        return serve(predictor, settings)
    except ParleyError as err:
        print(f"{prog}: {err}", file=sys.stderr)
        return 2 if isinstance(err, OptionError) else 1


def serve(predictor: Predictor, settings: ServerSettings) -> int:
    """Serve until SIGTERM or SIGINT. The port opens at once; readiness follows the model's load."""
    logging.basicConfig(
        level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    # Its lines, one for each call of the engine, say nothing that an operator needs.
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    handler = Handler(
        predictor,
        max_inflight=settings.max_inflight,
        request_timeout=settings.request_timeout,
    )
    with listen(settings.host, settings.http_port) as listener:
        return asyncio.run(_serve(handler, listener, settings))


def listen(host: str, port: int) -> socket.socket:
    """A bound TCP socket. Raises ServeError that names the port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
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


def build_app(handlers: Sequence[Handler]) -> Any:
    """The KServe V1 application of some predictors: predict, readiness, model list, metrics."""
    with _no_arguments():
        from kserve import ModelRepository
        from kserve.errors import ModelNotFound, ModelNotReady
        from kserve.protocol.dataplane import DataPlane
        from kserve.protocol.rest.server import metrics_handler
        from kserve.protocol.rest.v1_endpoints import V1Endpoints
    from fastapi import FastAPI
    from starlette.exceptions import HTTPException

    registry = ModelRepository()
    for handler in handlers:
        registry.update(_kserve_model(handler))
    endpoints = V1Endpoints(DataPlane(registry))
    app = FastAPI(openapi_url=None)
    app.add_api_route("/", DataPlane.live, methods=["GET"])
    app.add_api_route("/metrics", metrics_handler, methods=["GET"])
    app.add_api_route("/v1/models", endpoints.models, methods=["GET"])
    app.add_api_route("/v1/models/{model_name}", endpoints.model_ready, methods=["GET"])
    app.add_api_route(
        "/v1/models/{model_name}:predict", endpoints.predict, methods=["POST"], response_model=None
    )
    app.add_exception_handler(ParleyError, _answer_error)
    app.add_exception_handler(HTTPException, _answer_http)
    for kind, status in ((ModelNotFound, 404), (ModelNotReady, 503)):
        app.add_exception_handler(kind, _answer_with(status))
    return app


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

        async def predict(self, payload: Any, _: Any, response_headers: Any) -> bytes:
            # Bytes, because for a dict KServe 0.20 uses a response class that FastAPI deprecates.
            response_headers["content-type"] = "application/json"
            return Answer(200, await handler.handle(payload)).body()

    return PredictorModel()


async def _serve(handler: Handler, listener: socket.socket, settings: ServerSettings) -> int:
    door = Door(build_app([handler]), [handler])
    server = Server(door, settings.drain_seconds)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, server.stop)
    loop.add_signal_handler(
        signal.SIGTERM, lambda: asyncio.ensure_future(_drain(door, server, settings.drain_delay))
    )
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    loading = asyncio.create_task(_load(handler))
    try:
        await asyncio.wait({serving, loading}, return_when=asyncio.FIRST_COMPLETED)
        if loading.done():
            loading.result()
        await serving
    finally:
        server.stop()
        await serving
        handler.close()
    log.info("%s stopped", handler.name)
    return 0


async def _load(handler: Handler) -> None:
    await asyncio.to_thread(handler.load)
    log.info("%s is ready", handler.name)


async def _drain(door: Door, server: Server, delay: float) -> None:
    """Refuse readiness and close connections after their answer, for `delay` seconds; then stop."""
    log.info("draining")
    door.draining = True
    await asyncio.sleep(delay)
    server.stop()


class Server(uvicorn.Server):
    """uvicorn without its own signal handling, which ends the process before models are closed."""

    def __init__(self, app: Any, drain_seconds: float) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=math.ceil(drain_seconds),
            )
        )

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def stop(self) -> None:
        self.should_exit = True


async def _answer_error(_: Any, err: Exception) -> Any:
    from fastapi.responses import JSONResponse

    if not isinstance(err, ParleyError):
        raise err
    answer = error_answer(err)
    return JSONResponse(dict(answer.payload), answer.status, headers=dict(answer.headers))


async def _answer_http(_: Any, err: Any) -> Any:
    from fastapi.responses import JSONResponse

    return JSONResponse({"error": str(err.detail)}, err.status_code)


def _answer_with(status: int) -> Any:
    async def answer(_: Any, err: Exception) -> Any:
        from fastapi.responses import JSONResponse

        return JSONResponse({"error": str(err)}, status)

    return answer


@contextmanager
def _no_arguments() -> Iterator[None]:
    """kserve parses the process's arguments on import; ours are not meant for it."""
    arguments, sys.argv = sys.argv, sys.argv[:1]
    try:
        yield
    finally:
        sys.argv = arguments

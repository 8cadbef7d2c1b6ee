"""Serves a local graph on this machine until SIGTERM or Ctrl-C."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Sequence

from starlette.middleware.cors import CORSMiddleware

from graph.asgi import App
from graph.errors import SpecError
from graph.http.server import (
    Server,
    StopSignals,
    listen,
    run_server,
    serve_while_loading,
    stop_or_hurry,
    url_of,
)
from graph.local.app import app_of, with_gateway
from graph.local.build import LocalGraph
from graph.telemetry.telemetry import Telemetry
from graph.telemetry.tracing import Tracing
from predictors.door.logs import set_up_logging

Note = Callable[[str], None]
DRAIN_SECONDS = 10.0
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#\s@A-Z]+")


def serve_local(
    local: LocalGraph,
    host: str,
    port: int,
    note: Note,
    origins: Sequence[str] = (),
    openapi: bool = False,
    gateway: bool = False,
    tracing: Tracing | None = None,
) -> None:
    """A graph and its predictors, loaded in the background: `/readyz` is 503 until all are.

    Pages of `origins` may call them from a browser.  openapi: whether they describe themselves at
    `/openapi.json`.  gateway: whether OpenAI's API is there too.  tracing: what makes spans, by
    default nothing. Raises ServeError for the port, ModelError for weights.
    """
    set_up_logging("warning", "console")
    with StopSignals() as signals, listen(host, port) as listener:
        telemetry = Telemetry(tracing=tracing or Tracing())
        app = app_of(local, openapi, gateway, telemetry)
        app = with_gateway(app, local, telemetry) if gateway else app
        app = allow_origins(app, origins)
        try:
            run_server(_serve(local, listener, note, app, gateway, signals))
        finally:
            telemetry.tracing.close()


async def _serve(
    local: LocalGraph,
    listener: socket.socket,
    note: Note,
    app: App,
    gateway: bool,
    signals: StopSignals,
) -> None:
    url = url_of(listener)
    server = Server(app, DRAIN_SECONDS)
    signals.attach(lambda _: stop_or_hurry(server, note))

    def say_ready() -> None:
        note(f"{local.graph.name} is ready at {url}")
        for name in local.handlers:
            note(f"  {name}: {url}/v1/models/{name}:predict")
        if gateway:
            note(f"  OpenAI's API: {url}/v1, model {local.graph.name}")
            note(f"  chat page: {url}/")

    await serve_while_loading(server, listener, local.load, say_ready, local.close)


def read_origins(origins: Sequence[str]) -> Sequence[str]:
    """The origins of `--cors`. Raises SpecError for one that no browser would send."""
    for origin in origins:
        if origin != "*" and not _ORIGIN.fullmatch(origin):
            raise SpecError(
                f"--cors {origin}: not an origin; give scheme, host and port without a path, "
                "such as http://localhost:3000, or *"
            )
    return origins


def allow_origins(app: App, origins: Sequence[str]) -> App:
    """The application, with answers that pages of these origins may read; `*` means all."""
    if not origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=list(origins),
        allow_methods=["GET", "POST"],
        allow_headers=["*"],
        expose_headers=["retry-after"],
    )

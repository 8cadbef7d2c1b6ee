"""`parley serve`: a graph and its predictors on this machine, until Ctrl-C."""

from __future__ import annotations

import os
import signal
import sys
from typing import Annotated

import typer

from graph.cli.output import note

File = Annotated[
    str,
    typer.Argument(
        help="YAML of the graph and its services, or a kustomize folder; - reads stdin.",
        show_default="the embedded models",
    ),
]


def serve(
    file: File = "",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 8080,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    graph: Annotated[
        str | None, typer.Option(help="Name of the graph, where the file has several.")
    ] = None,
    cors: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ORIGIN",
            help="Web origin, such as http://localhost:3000, whose pages may call this server from "
            "a browser; * means all; may be repeated.",
        ),
    ] = None,
    openapi: Annotated[
        bool, typer.Option("--openapi", help="Describe the graph's HTTP API at /openapi.json.")
    ] = False,
    gateway: Annotated[
        bool,
        typer.Option("--gateway", help="Offer OpenAI's API too, at /v1, with answers that stream."),
    ] = False,
) -> None:
    """Serve the graph as KServe's router does, and each predictor at /v1/models/NAME:predict.

    Example: parley serve manifests/overlays/cpu --port 9000
    """
    from graph.local import build as local
    from graph.local.models import on_terminal
    from graph.local.serve import read_origins, serve_local
    from graph.telemetry.tracing import read_tracing

    origins = read_origins(cors or [])
    tracing = read_tracing(os.environ, "parley")
    # There is nothing to drain before it serves: Ctrl-C ends the process at once and silently.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    with on_terminal(sys.stderr) as progress:
        built = local.build(local.read_file(file), file or local.DEFAULT_FILE.name, graph, progress)
    serve_local(built, host, port, note, origins, openapi, gateway, tracing)

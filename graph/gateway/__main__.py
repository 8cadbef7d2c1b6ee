"""`python -m graph.gateway`: the gateway before the services of a graph, of a file or a cluster."""

from __future__ import annotations

import signal

if __name__ == "__main__":
    # Ctrl-C before there is anything to drain ends the process at once, without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from graph.errors import NotInstalled, ParleyError, SpecError, needing
from graph.gateway.histories import DEFAULT_BYTES, DEFAULT_SECONDS
from graph.gateway.keys import ApiKeys
from graph.router.serve import service_urls
from graph.spec.load import choose_graph, load_objects
from graph.spec.sources import read_manifests
from graph.telemetry.tracing import read_tracing
from graph.turn.timeouts import DEFAULT

if TYPE_CHECKING:
    from graph.gateway.serve import GatewaySettings

PROG = "graph.gateway"
_USAGE = 2
# Its name in traces.
_SERVICE = "parley-gateway"


def main(argv: Sequence[str] | None = None, environ: Mapping[str, str] | None = None) -> int:
    """0 after a clean stop, 1 failed, 2 wrong options or file."""
    environ = os.environ if environ is None else environ
    options = _parser(environ).parse_args(argv)
    try:
        _check(options)
        with needing("gateway"):
            if options.inference_graph:
                _serve_watched(options, environ)
            else:
                _serve_file(options, environ)
    except ParleyError as err:
        _note(str(err))
        return _USAGE if isinstance(err, SpecError | NotInstalled) else 1
    return 0


def _serve_file(options: argparse.Namespace, environ: Mapping[str, str]) -> None:
    from graph.gateway.serve import serve_gateway
    from graph.gateway.served import Served

    objects = load_objects(*read_manifests(options.file))
    graph = choose_graph(objects, options.file, options.graph)
    urls = service_urls(graph, objects.services, _pairs(options.service))
    served = Served(graph, objects.services, urls)
    serve_gateway(served, _settings(options, environ), _note)


def _serve_watched(options: argparse.Namespace, environ: Mapping[str, str]) -> None:
    from graph.cluster.connection import connect
    from graph.gateway.watched_app import serve_watched

    settings = _settings(options, environ)
    with connect(namespace=options.namespace or "") as cluster:
        serve_watched(cluster, options.inference_graph, settings, _note)


def _settings(options: argparse.Namespace, environ: Mapping[str, str]) -> GatewaySettings:
    from graph.gateway.app import GatewayLimits
    from graph.gateway.serve import GatewaySettings
    from graph.telemetry.telemetry import Telemetry

    return GatewaySettings(
        options.host,
        options.http_port,
        ApiKeys.of_file(options.api_keys) if options.api_keys else ApiKeys(),
        GatewayLimits(options.max_inflight, options.answer_seconds),
        options.history_bytes,
        options.history_seconds,
        options.cache,
        telemetry=Telemetry(tracing=read_tracing(environ, _SERVICE)),
    )


def _check(options: argparse.Namespace) -> None:
    """Raises SpecError for words that do not go together."""
    if bool(options.file) == bool(options.inference_graph):
        raise SpecError("name a FILE, or a graph of the cluster with --inference-graph NAME")
    for name, value in (("graph", options.graph), ("service", options.service)):
        if value and options.inference_graph:
            raise SpecError(f"--{name}: only for a FILE, not with --inference-graph")
    if options.namespace and options.file:
        raise SpecError("--namespace: only with --inference-graph")


def _parser(environ: Mapping[str, str]) -> argparse.ArgumentParser:
    """Each option is a variable of the environment too: `--max_inflight`, PARLEY_MAX_INFLIGHT."""
    parser = argparse.ArgumentParser(
        prog=PROG, description="OpenAI's API before an InferenceGraph.", allow_abbrev=False
    )
    parser.add_argument(
        "file", nargs="?", help="YAML of the graph and its services, or a kustomize folder"
    )

    def add(name: str, kind: type, default: object, text: str) -> None:
        variable = f"PARLEY_{name.upper().replace('-', '_')}"
        value = environ.get(variable, default)
        shown = "" if default is None else f" (default: {default})"
        help_text = f"{text}{shown}; environment: {variable}"
        parser.add_argument(f"--{name}", type=kind, default=value, help=help_text)

    add("graph", str, None, "name of the graph, where the file has several")
    add("inference-graph", str, None, "in the place of a file, a graph of the cluster, watched")
    add("namespace", str, None, "that of --inference-graph, by default the kubeconfig's or pod's")
    add("host", str, "0.0.0.0", "address to listen on")
    add("http_port", int, 8080, "port to listen on; 0 takes a free one")
    add("api_keys", Path, None, "file with the keys of those who may ask, one a line; else all may")
    add("max_inflight", int, 512, "turns at once; one more is answered with 503")
    add("answer_seconds", float, float(DEFAULT.gateway), "seconds that a whole answer may take")
    add("history_bytes", int, DEFAULT_BYTES, "bytes of conversations that are remembered")
    add("history_seconds", float, DEFAULT_SECONDS, "seconds for which they are remembered")
    add("cache", str, "", "Redis or Valkey that remembers them for other gateways too, redis://...")
    parser.add_argument(
        "--service",
        action="append",
        default=[],
        metavar="NAME=URL",
        help="where a service runs, such as http://127.0.0.1:9000/v1/models/chat:predict (default: "
        "the address that it has inside a cluster); may be repeated",
    )
    return parser


def _pairs(values: Sequence[str]) -> dict[str, str]:
    found = {}
    for value in values:
        name, sign, url = value.partition("=")
        if not (name and sign and url):
            raise SpecError(f"--service {value}: write NAME=URL")
        found[name] = url
    return found


def _note(text: str) -> None:
    print(f"{PROG}: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

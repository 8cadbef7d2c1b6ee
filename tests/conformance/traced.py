"""Sends turns through a router to predictors that make spans, and prints the spans as JSON.

`python -m tests.conformance.traced ours` or `... kserve BINARY`. KServe's router listens on one
fixed port, so with it this runs in a network namespace of its own, where everything is: the
predictors, each on its port, and the collector.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx2

from graph.spec.write import write_nodes
from tests.conformance.sides import Ours, kserve
from tests.conftest import served
from tests.fakes import embedded_graph, predictors
from tests.network import raise_loopback
from tests.otlp import Collector, Pods


def main(argv: list[str]) -> None:
    if argv[0] == "kserve":
        raise_loopback()
    turns = json.loads(sys.stdin.read())
    collector = Collector()
    handlers = predictors()
    with ExitStack() as stack:
        collecting = stack.enter_context(served(collector))
        os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = collecting
        pods = Pods(handlers, dict(os.environ))
        urls = {name: stack.enter_context(served(app)) for name, app in pods.apps.items()}
        answers = asyncio.run(_route(argv, _spec(urls), turns))
        pods.flush()
    print(json.dumps({"answers": answers, "spans": [asdict(span) for span in collector.spans]}))


async def _route(argv: list[str], spec: Mapping[str, Any], turns: list[Any]) -> list[Any]:
    """What the router answers to each of the turns."""
    ours = Ours()
    starting = kserve(Path(argv[1]), spec, None) if argv[0] == "kserve" else ours.serve(spec, None)
    async with starting as port, httpx2.AsyncClient(trust_env=False, timeout=60) as client:
        answers = [
            (await client.post(f"http://127.0.0.1:{port}/", json={"instances": [turn]})).json()
            for turn in turns
        ]
    await ours.stop()
    return answers


def _spec(urls: Mapping[str, str]) -> dict[str, Any]:
    """The shipped graph, with the addresses of this run in the place of its services."""
    nodes = write_nodes(embedded_graph(()).graph.nodes)
    for step in (step for node in nodes.values() for step in node["steps"]):
        if name := step.pop("serviceName", ""):
            step["serviceUrl"] = f"{urls[name]}/v1/models/{name}:predict"
    return {"nodes": nodes}


if __name__ == "__main__":
    main(sys.argv[1:])

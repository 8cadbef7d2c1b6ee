"""Graphs of four stages that do nothing, so that what is left is the graph itself.

    python -m tests.benchmarks.stubs local PORT           stages and router in one process
    python -m tests.benchmarks.stubs stage NAME PORT      one stage, as a predictor's server
    python -m tests.benchmarks.stubs cluster ROUTER PORT  four such servers, and KServe's own router

KServe's router listens on 8080 whatever it is told; its four servers are at PORT and after it.
"""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import httpx2

from graph import contract
from graph.contract import Instance
from graph.http.server import Server, listen
from graph.local.app import app_of
from graph.local.build import LocalGraph
from graph.spec.load import choose_graph, load_objects
from predictors.door.handler import Handler
from predictors.serving import build_app

STAGES = 4
ROUTER_PORT = 8080
_DRAIN_SECONDS = 1.0
_START_SECONDS = 120.0


class Stage:
    """A predictor that gives back what it is told."""

    schema = contract.INNER

    def __init__(self, name: str) -> None:
        self.name = name

    def load(self) -> None:
        pass

    def close(self) -> None:
        pass

    async def predict(self, instances: list[Instance]) -> list[Instance]:
        return [{**each, contract.RESPONSE: each[contract.USER_INPUT]} for each in instances]


def graph_of(urls: Sequence[str] = ()) -> dict[str, Any]:
    """The InferenceGraph: each stage on what the one before gave. urls: else by their names."""
    steps = []
    for i in range(STAGES):
        target = {"serviceUrl": urls[i]} if urls else {"serviceName": f"stage{i}"}
        step: dict[str, Any] = {"name": f"stage{i}", **target, "dependency": "Hard"}
        if i:
            step |= {"data": "$response", "mapPredictionsToInstances": True}
        steps.append(step)
    return {
        "apiVersion": "serving.kserve.io/v1alpha1",
        "kind": "InferenceGraph",
        "metadata": {"name": "stubs"},
        "spec": {"nodes": {"root": {"routerType": "Sequence", "steps": steps}}},
    }


def _loaded(names: Sequence[str]) -> dict[str, Handler]:
    handlers = {name: Handler(Stage(name)) for name in names}
    for handler in handlers.values():
        handler.load()
    return handlers


def _serve(app: Any, port: int) -> None:
    with listen("127.0.0.1", port) as listener:
        asyncio.run(Server(app, _DRAIN_SECONDS).serve(sockets=[listener]))


def _serve_local(port: int) -> None:
    graph = choose_graph(load_objects(json.dumps(graph_of()), "stubs"), "stubs")
    _serve(app_of(LocalGraph(graph, _loaded([f"stage{i}" for i in range(STAGES)]))), port)


def _serve_stage(name: str, port: int) -> None:
    _serve(build_app(list(_loaded([name]).values())), port)


def _serve_cluster(router: str, port: int) -> None:
    """Ends with its first process; the others end with the namespace."""
    module = [sys.executable, "-m", "tests.benchmarks.stubs", "stage"]
    urls = [f"http://127.0.0.1:{port + i}/v1/models/stage{i}:predict" for i in range(STAGES)]
    started = [subprocess.Popen([*module, f"stage{i}", str(port + i)]) for i in range(STAGES)]
    for url in urls:
        _wait_for(url.removesuffix(":predict"))
    spec = json.dumps(graph_of(urls)["spec"])
    started.append(subprocess.Popen([router, "--graph-json", spec], stderr=subprocess.DEVNULL))
    signal.sigwait({signal.SIGTERM, signal.SIGCHLD})
    for process in started:
        process.terminate()


def _wait_for(url: str) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        with suppress(httpx2.HTTPError):
            if httpx2.get(url, trust_env=False).status_code == 200:
                return
        time.sleep(0.02)
    sys.exit(f"{url}: not ready after {_START_SECONDS:.0f} s")


def main(argv: Sequence[str]) -> None:
    match argv:
        case ["local", port]:
            _serve_local(int(port))
        case ["stage", name, port]:
            _serve_stage(name, int(port))
        case ["cluster", router, port]:
            _serve_cluster(router, int(port))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])

"""A YAML file run in this process: its predictors, its graph, and an application that serves both.

The one module that reaches predictors, by importing the module that a container's command names. It
takes the same arguments and environment from the YAML as a cluster does; what is only for the
cluster (images, GPU limits, probes, mounts) is not read.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import re
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graph.errors import NotServed, SpecError
from graph.router.app import App, Receive, Send, graph_app, limits_of
from graph.router.walk import Answer, Headers, route
from graph.spec.load import choose_graph, load_objects
from graph.spec.model import Graph, Objects, Step
from graph.spec.services import InferenceService
from graph.spec.sources import read_manifests
from predictors.handler import Handler
from predictors.models.catalogue import EMBEDDED
from predictors.models.pull import NotPulled, join_unpulled
from predictors.progress import Progress, show_nothing
from predictors.settings import ModelSettings, OptionError, ServerSettings

DEFAULT_FILE = Path(__file__).parents[2] / "manifests" / "embedded.yaml"
TRANSLATOR_FILE = DEFAULT_FILE.with_name("translator.yaml")
# What a cluster mounts, this machine has elsewhere: the user's own setting holds, not the file's.
_OWN_VARIABLES = ("HOME", "OPENAI_API_KEY", "PARLEY_MODELS", "XDG_CACHE_HOME")
_MODULE = re.compile(r"predictors\.[a-z_][a-z0-9_]*")
_PREDICTOR_PATH = re.compile(r"/v1/models/([^/:]+)(:predict)?")


@dataclass(frozen=True)
class LocalGraph:
    """A graph, the handlers of its services by service name, and the models that they run."""

    graph: Graph
    handlers: Mapping[str, Handler]
    models: Sequence[str] = ()

    def load(self) -> None:
        """Load all models, side by side. Raises the first error of any."""
        with ThreadPoolExecutor(max_workers=len(self.handlers) or 1) as pool:
            for loading in [pool.submit(handler.load) for handler in self.handlers.values()]:
                loading.result()

    def close(self) -> None:
        for handler in self.handlers.values():
            handler.close()

    def licences(self) -> list[str]:
        """One line for each model whose licence is known: the embedded ones."""
        known = [EMBEDDED[name] for m in self.models if (name := m.partition(":")[2]) in EMBEDDED]
        return [f"{m.about} ({m.licence.name}, {m.licence.url})" for m in dict.fromkeys(known)]

    async def route(self, body: bytes, headers: Headers = ()) -> Answer:
        """One request through the graph."""
        return await route(self.graph, body, headers, self._call)

    async def predict(self, name: str, body: bytes) -> Answer:
        """One request to one predictor. Raises NotServed."""
        if name not in self.handlers:
            raise NotServed(f"{name}: no such predictor; there are {', '.join(self.handlers)}")
        answer = await self.handlers[name].answer(body)
        return Answer(answer.status, answer.body(), "application/json")

    async def _call(self, step: Step, body: bytes, headers: Headers) -> Answer:
        return await self.predict(step.service_name, body)


def read_file(file: str) -> Objects:
    """The objects of a file or folder: `-` is stdin, "" the embedded ones. Raises SpecError."""
    text, source = read_manifests(file or str(DEFAULT_FILE))
    return load_objects(text, source if file else DEFAULT_FILE.name)


def build(
    objects: Objects, source: str, name: str | None = None, progress: Progress = show_nothing
) -> LocalGraph:
    """The graph of that name, or the only one, with its predictors built but not loaded.

    Raises SpecError for what cannot run here, ModelError for weights.
    """
    graph = choose_graph(objects, source, name)
    handlers: dict[str, Handler] = {}
    models: list[str] = []
    unpulled: list[NotPulled] = []
    for service in _services_of(graph, objects):
        try:
            handlers[service.name], settings = _handler(service, progress)
        except NotPulled as err:
            unpulled.append(err)
            continue
        models += [settings.model] if isinstance(settings, ModelSettings) else []
    if unpulled:
        # All at once, so that one command mends it.
        raise join_unpulled(unpulled)
    return LocalGraph(graph, handlers, models)


def app_of(local: LocalGraph) -> App:
    """`/v1/models/NAME` and its `:predict` are the predictors; every other path is the graph's."""
    from predictors.door import Door
    from predictors.serving import build_app

    handlers = list(local.handlers.values())
    predictors = Door(build_app(handlers), handlers)
    graph = graph_app(
        local.route,
        limits_of(local.graph.timeouts),
        ready=lambda: all(handler.ready for handler in handlers),
    )

    async def app(scope: Any, receive: Receive, send: Send) -> None:
        match = _PREDICTOR_PATH.fullmatch(scope.get("path", ""))
        chosen = predictors if match and match[1] in local.handlers else graph
        await chosen(scope, receive, send)

    return app


class LocalTransport:
    """`graph.client.Transport` to a graph in this process, on an event loop of its own thread."""

    def __init__(self, graph: LocalGraph) -> None:
        """`graph` is loaded, and closed with this."""
        self.graph = graph
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    @classmethod
    def of_file(cls, file: str = "", progress: Progress = show_nothing) -> LocalTransport:
        """The only graph of a YAML file, loaded. Raises SpecError, ModelError."""
        graph = build(read_file(file), file or DEFAULT_FILE.name, progress=progress)
        graph.load()
        return cls(graph)

    def post(self, body: bytes, predictor: str | None) -> tuple[int, bytes]:
        work = self.graph.predict(predictor, body) if predictor else self.graph.route(body)
        waiting = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            answer = waiting.result()
        except KeyboardInterrupt:
            waiting.cancel()
            raise
        return answer.status, answer.body

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self.graph.close()


def _services_of(graph: Graph, objects: Objects) -> list[InferenceService]:
    """The services that the steps call, each once. Raises SpecError for one that is not there."""
    services = {service.name: service for service in objects.services}
    called: dict[str, InferenceService] = {}
    for step in (step for node in graph.nodes.values() for step in node.steps):
        if step.service_url or (step.service_name and step.service_name not in services):
            raise SpecError(_missing(graph, step, services))
        if step.service_name:
            called[step.service_name] = services[step.service_name]
    return list(called.values())


def _handler(service: InferenceService, progress: Progress) -> tuple[Handler, ServerSettings]:
    """A service whose container runs a predictor of ours, with its options. Raises SpecError."""
    where = f"{service.source}: InferenceService/{service.name}"
    words = service.container.command_line() if service.container else []
    if words[1:2] != ["-m"] or not _MODULE.fullmatch(words[2] if words[2:] else ""):
        raise SpecError(
            f"{where}: its container does not run `python -m predictors.NAME`, so it cannot run "
            "here; `parley graph serve --service NAME=URL` calls it where it runs"
        )
    try:
        module = importlib.import_module(f"{words[2]}.__main__")
    except ImportError as err:
        raise SpecError(f"{where}: cannot import {words[2]}: {err}") from err
    try:
        predictor, settings = module.build(words[3:], _environ(service), progress)
    except OptionError as err:
        raise SpecError(f"{where}: {err}") from err
    handler = Handler(
        predictor, max_inflight=settings.max_inflight, request_timeout=settings.request_timeout
    )
    return handler, settings


def _environ(service: InferenceService) -> dict[str, str]:
    given = service.container.environ() if service.container else {}
    own = {name: os.environ[name] for name in _OWN_VARIABLES if name in os.environ}
    return {name: value for name, value in given.items() if name not in _OWN_VARIABLES} | own


def _missing(graph: Graph, step: Step, services: Mapping[str, InferenceService]) -> str:
    where = f"{graph.source}: InferenceGraph/{graph.name}"
    if step.service_url:
        return f"{where}: {step.service_url} runs elsewhere; `parley graph serve` runs such graphs"
    known = ", ".join(services) or "none"
    return f"{where}: no InferenceService {step.service_name!r} in the file; it holds {known}"

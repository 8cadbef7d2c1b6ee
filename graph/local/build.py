"""From a YAML file to a graph and its predictors in this process.

It imports the module that a container's command names and gives it the same arguments and
environment from the YAML as a cluster does. What is only for the cluster (images, GPU limits,
probes, mounts) is not read.
"""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from graph.asgi import Answer
from graph.errors import NotServed, SpecError, needing
from graph.router.walk import Headers, route
from graph.spec.documents import suggest
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
                with needing("local"):
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
            raise self.not_served(name)
        return await self.handlers[name].answer(body)

    def not_served(self, name: str) -> NotServed:
        """The error for a predictor that the graph does not have."""
        near = suggest(name, self.handlers)
        known = ", ".join(self.handlers)
        return NotServed(f"{name}: no such predictor; there are {known}{near}")

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
    services = _services_of(graph, objects)
    # Code before weights: what is not installed comes first.
    modules = [_module(service) for service in services]
    for service, module in zip(services, modules, strict=True):
        try:
            handlers[service.name], settings = _handler(service, module, progress)
        except NotPulled as err:
            unpulled.append(err)
            continue
        models += [settings.model] if isinstance(settings, ModelSettings) else []
    if unpulled:
        # All at once, so that one command fixes it.
        raise join_unpulled(unpulled)
    return LocalGraph(graph, handlers, models)


def _services_of(graph: Graph, objects: Objects) -> list[InferenceService]:
    """The services that the steps call, each once. Raises SpecError for one that is not there."""
    services = {service.name: service for service in objects.services}
    for target in graph.targets():
        if target not in services:
            raise SpecError(_missing(graph, target, services))
    return [services[target] for target in graph.targets()]


def _module(service: InferenceService) -> ModuleType:
    """The module that a container's command names. Raises SpecError, NotInstalled."""
    where = _where(service)
    words = service.container.command_line() if service.container else []
    if words[1:2] != ["-m"] or not _MODULE.fullmatch(words[2] if words[2:] else ""):
        raise SpecError(
            f"{where}: its container does not run `python -m predictors.NAME`, so it cannot run "
            "here; `parley graph serve --service NAME=URL` calls it where it runs"
        )
    try:
        with needing("local"):
            return importlib.import_module(f"{words[2]}.__main__")
    except ImportError as err:
        raise SpecError(f"{where}: cannot import {words[2]}: {err}") from err


def _handler(
    service: InferenceService, module: ModuleType, progress: Progress
) -> tuple[Handler, ServerSettings]:
    """A service's predictor, with the options of its container. Raises SpecError."""
    words = service.container.command_line() if service.container else []
    try:
        predictor, settings = module.build(words[3:], _environ(service), progress)
    except OptionError as err:
        raise SpecError(f"{_where(service)}: {err}") from err
    handler = Handler(
        predictor, max_inflight=settings.max_inflight, request_timeout=settings.request_timeout
    )
    return handler, settings


def _where(service: InferenceService) -> str:
    return f"{service.source}: InferenceService/{service.name}"


def _environ(service: InferenceService) -> dict[str, str]:
    given = service.container.environ() if service.container else {}
    own = {name: os.environ[name] for name in _OWN_VARIABLES if name in os.environ}
    return {name: value for name, value in given.items() if name not in _OWN_VARIABLES} | own


def _missing(graph: Graph, target: str, services: Mapping[str, InferenceService]) -> str:
    where = f"{graph.source}: InferenceGraph/{graph.name}"
    if target not in graph.service_names():
        return f"{where}: {target} runs elsewhere; `parley graph serve` runs such graphs"
    known = ", ".join(services) or "none"
    return (
        f"{where}: no InferenceService {target!r} in the file; it holds {known}"
        f"{suggest(target, services)}"
    )

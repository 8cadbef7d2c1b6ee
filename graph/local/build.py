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
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import ModuleType

from graph.asgi import Answer, answer_error
from graph.completions.answers import Ending
from graph.completions.request import ChatRequest
from graph.completions.stream import Put
from graph.errors import NotServed, Overloaded, SpecError, needing
from graph.router.walk import Headers, route
from graph.spec.addresses import Address, address_of
from graph.spec.documents import suggest
from graph.spec.load import choose_graph, load_objects
from graph.spec.model import (
    ROOT,
    Dependency,
    Graph,
    Node,
    Objects,
    RouterType,
    Step,
    Timeouts,
)
from graph.spec.services import InferenceService
from graph.spec.sources import SHIPPED, read_manifests
from graph.turn.places import Places
from graph.turn.timeouts import DEFAULT
from predictors.door.completions import complete, instance_of
from predictors.door.handler import Handler, close_all, load_all
from predictors.models.catalogue import EMBEDDED
from predictors.models.pull import NotPulled, join_unpulled
from predictors.progress import Progress, show_nothing
from predictors.serving import Built, make_handler
from predictors.settings import ModelSettings, OptionError
from predictors.sharing import Shared

DEFAULT_FILE = SHIPPED / "embedded.yaml"
TRANSLATOR_FILE = DEFAULT_FILE.with_name("translator.yaml")
# What a cluster mounts, this machine has elsewhere: the user's own setting holds, not the file's.
_OWN_VARIABLES = ("HOME", "OPENAI_API_KEY", "PARLEY_MODELS", "XDG_CACHE_HOME")
_COLOCATED = "predictors.colocated"
_MODULE = re.compile(r"predictors\.[a-z_][a-z0-9_]*")


@dataclass(frozen=True)
class LocalGraph:
    """A graph, the handlers of its predictors by name, and the models that they run.

    names: the predictor that each target of a step means, where it is another than the target.
    services: those of the file.
    """

    graph: Graph
    handlers: Mapping[str, Handler]
    models: Sequence[str] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    services: Sequence[InferenceService] = ()

    def load(self) -> None:
        """Load all models, side by side. Raises the first error of any."""
        with needing("local"):
            load_all(self.handlers.values())

    def close(self) -> None:
        close_all(self.handlers.values())

    def licences(self) -> list[str]:
        """One line for each model whose licence is known: the embedded ones."""
        known = [EMBEDDED[name] for m in self.models if (name := m.partition(":")[2]) in EMBEDDED]
        return [f"{m.about} ({m.licence.name}, {m.licence.url})" for m in dict.fromkeys(known)]

    @cached_property
    def places(self) -> Places:
        """For requests at once: more would wait for a predictor that refuses them half-way."""
        return Places(max((each.max_inflight for each in self.handlers.values()), default=0))

    async def route(self, body: bytes, headers: Headers = ()) -> Answer:
        """One request through the graph."""
        try:
            with self.places.one():
                return await route(self.graph, body, headers, self.call)
        except Overloaded as err:
            return answer_error(err)

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

    async def call(self, step: Step, body: bytes, headers: Headers) -> Answer:
        """A step's predictor, asked as the router asks it."""
        return await self.predict(self.names.get(step.target, step.target), body)

    async def ask_chat(self, step: Step, request: ChatRequest, put: Put) -> Ending:
        """A step's chat, asked for its words. Raises ParleyError."""
        name = self.names.get(step.target, step.target)
        if name not in self.handlers:
            raise self.not_served(name)
        return await complete(self.handlers[name], request, instance_of(request), put)


def read_file(file: str) -> Objects:
    """The objects of a file or folder: `-` is stdin, "" the embedded ones. Raises SpecError."""
    text, source = read_manifests(file or str(DEFAULT_FILE))
    return load_objects(text, source if file else DEFAULT_FILE.name)


def build(
    objects: Objects, source: str, name: str | None = None, progress: Progress = show_nothing
) -> LocalGraph:
    """The graph of that name, or the only one, with its predictors built but not loaded.

    A file with one service and no graph is a graph that calls this service. Raises SpecError for
    what cannot run here, ModelError for weights.
    """
    graph = _graph_of(objects, source, name)
    targets = _targets_of(graph, objects)
    services = list({_where(service): service for service, _ in targets.values()}.values())
    # Code before weights: what is not installed comes first.
    modules = [_module(service) for service in services]
    # They run in one process.
    shared = Shared()
    built: dict[str, list[Built]] = {}
    unpulled: list[NotPulled] = []
    for service, module in zip(services, modules, strict=True):
        try:
            built[_where(service)] = _build(service, module, progress, shared)
        except NotPulled as err:
            unpulled.append(err)
    if unpulled:
        # All at once, so that one command fixes it.
        raise join_unpulled(unpulled)
    for service, address in targets.values():
        _check_model(graph, address, built[_where(service)])
    every = [each for found in built.values() for each in found]
    return LocalGraph(
        graph,
        _handlers(graph, every),
        [settings.model for _, settings in every if isinstance(settings, ModelSettings)],
        {target: address.model for target, (_, address) in targets.items()},
        services,
    )


def _graph_of(objects: Objects, source: str, name: str | None) -> Graph:
    if objects.graphs or name or len(objects.services) != 1:
        return choose_graph(objects, source, name)
    [service] = objects.services
    step = Step(service_name=service.name, dependency=Dependency.HARD)
    return Graph(
        service.name,
        {ROOT: Node(RouterType.SEQUENCE, (step,))},
        service.namespace,
        Timeouts(server_write=DEFAULT.service, service_client=DEFAULT.service),
        source=source,
    )


def _targets_of(graph: Graph, objects: Objects) -> dict[str, tuple[InferenceService, Address]]:
    """The service and model of each target. Raises SpecError for a service that is not there."""
    found: dict[str, tuple[InferenceService, Address]] = {}
    for _, _, _, step in graph.steps():
        if step.node_name or step.target in found:
            continue
        address = address_of(step)
        services = [s for s in objects.services if address and address.is_of(s, graph)]
        if address is None or not services:
            raise SpecError(_missing(graph, step, objects))
        found[step.target] = services[0], address
    return found


def _check_model(graph: Graph, address: Address, built: Sequence[Built]) -> None:
    names = [predictor.name for predictor, _ in built]
    if address.model not in names:
        raise SpecError(
            f"{_graph(graph)}: the model {address.model!r} is called, but the container of "
            f"InferenceService/{address.service} serves {', '.join(names)}"
            f"{suggest(address.model, names)}"
        )


def _handlers(graph: Graph, built: Sequence[Built]) -> dict[str, Handler]:
    handlers: dict[str, Handler] = {}
    for predictor, settings in built:
        if predictor.name in handlers:
            raise SpecError(f"{_graph(graph)}: two of its services serve a model {predictor.name}")
        # One process has one clock.
        handlers[predictor.name] = make_handler(predictor, replace(settings, clock_skew=0))
    return handlers


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


def _build(
    service: InferenceService, module: ModuleType, progress: Progress, shared: Shared
) -> list[Built]:
    """A service's predictors, with the options of its container. Raises SpecError."""
    words = service.container.command_line() if service.container else []
    try:
        with needing("local"):
            built = module.build(words[3:], _environ(service), progress, shared)
    except OptionError as err:
        raise SpecError(f"{_where(service)}: {err}") from err
    return list(built[0]) if words[2] == _COLOCATED else [built]


def _where(service: InferenceService) -> str:
    return f"{service.source}: InferenceService/{service.name}"


def _environ(service: InferenceService) -> dict[str, str]:
    given = service.container.environ() if service.container else {}
    own = {name: os.environ[name] for name in _OWN_VARIABLES if name in os.environ}
    return {name: value for name, value in given.items() if name not in _OWN_VARIABLES} | own


def _graph(graph: Graph) -> str:
    return f"{graph.source}: InferenceGraph/{graph.name}"


def _missing(graph: Graph, step: Step, objects: Objects) -> str:
    if not step.service_name:
        return (
            f"{_graph(graph)}: {step.target} runs elsewhere; `parley graph serve` runs such graphs"
        )
    services = [service.name for service in objects.services]
    known = ", ".join(services) or "none"
    return (
        f"{_graph(graph)}: no InferenceService {step.target!r} in the file; it holds {known}"
        f"{suggest(step.target, services)}"
    )

"""Where a graph may be followed by words instead of whole turns: at its chats, and behind them.

A chat writes word by word, and a translator from English gives for each sentence what it gives for
it within the whole answer. So where nothing but such translators follows a chat, each sentence can
go the rest of the way by itself. What a service is, its container's own words say; of one whose
words only a cluster knows, nothing is assumed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from graph import contract
from graph.spec.addresses import address_of
from graph.spec.model import ROOT, Dependency, Graph, Node, RouterType, Step
from graph.spec.predictors import options_of
from graph.spec.services import InferenceService

_CHAT = "predictors.chat"
_TRANSLATOR = "predictors.translator"
_READS, _WRITES = contract.RESPONSE_EN, contract.RESPONSE


@dataclass(frozen=True)
class Chat:
    """A step that calls a chat, by its identity: two equal steps of a graph are two chats.

    model: the chat's name.  tail: the steps behind it, None where the rest of the branch is
    anything but a way for single sentences.
    """

    step: Step
    model: str
    tail: tuple[Step, ...] | None

    def rest(self, graph: Graph) -> Graph:
        """The rest of the branch, from the chat on, as a graph of its own."""
        return _sequence(graph, (_unconditional(self.step), *(self.tail or ())))

    def behind(self, graph: Graph) -> Graph:
        """The rest of the branch without the chat."""
        return _sequence(graph, self.tail or ())


@dataclass
class _Found:
    """The chats so far: of each the step, its name, and every way that follows it."""

    steps: dict[int, tuple[Step, str, set[tuple[int, ...] | None]]] = field(default_factory=dict)
    tails: dict[tuple[int, ...], tuple[Step, ...]] = field(default_factory=dict)


def find_chats(graph: Graph, services: Sequence[InferenceService]) -> Mapping[int, Chat]:
    """The chats of a graph by the `id` of their step, which stands in `graph.nodes`."""
    kinds = _Kinds(graph, services)
    found = _Found()
    for step, rest in _ways(graph, ROOT, (), ()):
        model = kinds.chat(step)
        if model is None:
            continue
        _, _, ways = found.steps.setdefault(id(step), (step, model, set()))
        tail = rest if rest is not None and step.dependency is Dependency.HARD else None
        if tail is None or not all(map(kinds.is_for_sentences, tail)):
            ways.add(None)
        else:
            key = tuple(map(id, tail))
            found.tails[key] = tail
            ways.add(key)
    return {
        key: Chat(step, model, _only(ways, found))
        for key, (step, model, ways) in found.steps.items()
    }


def _only(ways: set[tuple[int, ...] | None], found: _Found) -> tuple[Step, ...] | None:
    """The one way that follows a chat; None where there are several."""
    [way] = ways if len(ways) == 1 else [None]
    return None if way is None else found.tails[way]


def _ways(
    graph: Graph, name: str, rest: tuple[Step, ...] | None, above: tuple[str, ...]
) -> Iterator[tuple[Step, tuple[Step, ...] | None]]:
    """Every step that calls something, with the steps that follow it; None within an Ensemble."""
    node = graph.nodes.get(name)
    if node is None or name in above:
        return
    for index, step in enumerate(node.steps):
        following = None
        if rest is not None and node.router_type is not RouterType.ENSEMBLE:
            is_sequence = node.router_type is RouterType.SEQUENCE
            following = (*node.steps[index + 1 :], *rest) if is_sequence else rest
        if step.node_name:
            yield from _ways(graph, step.node_name, following, (*above, name))
        else:
            yield step, following


def _sequence(graph: Graph, steps: tuple[Step, ...]) -> Graph:
    return Graph(graph.name, {ROOT: Node(RouterType.SEQUENCE, steps)}, graph.namespace)


def _unconditional(step: Step) -> Step:
    """The step of a walk that has reached it, so that its condition holds."""
    return Step(
        service_name=step.service_name,
        service_url=step.service_url,
        dependency=step.dependency,
        map_predictions_to_instances=step.map_predictions_to_instances,
    )


@dataclass(frozen=True)
class _Kinds:
    """What the services of a graph are."""

    graph: Graph
    services: Sequence[InferenceService]

    def chat(self, step: Step) -> str | None:
        """The name of the chat that a step calls."""
        address = address_of(step)
        return address.model if address and self._options(step, _CHAT) is not None else None

    def is_for_sentences(self, step: Step) -> bool:
        """Whether a step translates from English, and what it is given passes to the next one."""
        options = self._options(step, _TRANSLATOR)
        if options is None:
            return False
        fields = options.get("reads") or _READS, options.get("writes") or _WRITES
        from_english = options.get("source", "").strip() == contract.PIVOT
        return (
            fields == (_READS, _WRITES)
            and (from_english or options.get("directions") == "both")
            and step.dependency is Dependency.HARD
            and step.map_predictions_to_instances
            and step.data == "$response"
            and not step.condition
        )

    def _options(self, step: Step, module: str) -> dict[str, str] | None:
        address = address_of(step)
        for service in self.services:
            container = service.container
            if address and container and address.is_of(service, self.graph):
                return None if container.env_from else options_of(container, module, address.model)
        return None

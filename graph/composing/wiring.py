"""From a flow to the nodes of an InferenceGraph: what each step receives, and how it is mapped.

KServe's router hands a step either the node's input or the answer before, and a V1 service takes
`{"instances": [...]}` and answers `{"predictions": [...]}`. Here it is known of every step which of
the two it would receive, so nobody has to write `data` and `mapPredictionsToInstances`. Only the
steps of a sequence can map: where another node would hand a service the predictions of the one
before, a sequence of one step stands between. Every step is Hard, for KServe's default feeds the
body of an error to the next step.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from graph.composing.flow import Flow, Part, Target, sequence
from graph.composing.services import Service, as_service
from graph.errors import SpecError
from graph.spec.model import ROOT, Dependency, Node, RouterType, Step

_FIELD = re.compile(r"\w+(\.\w+)*", re.ASCII)
_VALUE = re.compile(r'[^"\\\x00-\x1f]+')
# What cannot map by itself what it hands to its steps.
_HANDING_ON = (RouterType.SPLITTER, RouterType.ENSEMBLE)


class Body(Enum):
    """The kind of a body, by the key that holds its list."""

    INSTANCES = "instances"
    PREDICTIONS = "predictions"
    OTHER = ""


@dataclass(frozen=True)
class Wired:
    """The nodes of a graph, and the services that Python describes, each once, by name."""

    nodes: Mapping[str, Node]
    services: Mapping[str, Service]


def wire(flow: Flow) -> Wired:
    """The graph whose root is this flow. Raises SpecError."""
    wiring = _Wiring()
    wiring.node(ROOT, flow, Body.INSTANCES)
    return Wired(wiring.nodes, wiring.services)


@dataclass
class _Wiring:
    nodes: dict[str, Node] = field(default_factory=dict)
    services: dict[str, Service] = field(default_factory=dict)
    _made: dict[str, tuple[Flow, Body, Body]] = field(default_factory=dict)

    def node(self, name: str, flow: Flow, given: Body) -> Body:
        """Makes a node, once however often it is led to; the kind of its answer."""
        if name in self._made:
            made, received, answer = self._made[name]
            if (made, received) != (flow, given):
                raise SpecError(f'two nodes are called "{name}"; give one of them another name')
            return answer
        # Its place comes before that of the nodes that it leads to.
        self.nodes[name] = Node(flow.router_type)
        self._made[name] = flow, given, Body.OTHER
        steps, answer = self._row(flow, given) if _is_sequence(flow) else self._fan(flow, given)
        self.nodes[name] = Node(flow.router_type, steps)
        self._made[name] = flow, given, answer
        return answer

    def _row(self, flow: Flow, given: Body) -> tuple[tuple[Step, ...], Body]:
        """The steps of a sequence, each with the answer of the one before."""
        steps: list[Step] = []
        body = given
        for part in flow.parts:
            maps = body is Body.PREDICTIONS and _wants_instances(part.target)
            step, body = self._step(part, Body.INSTANCES if maps else body)
            step = replace(step, map_predictions_to_instances=maps, condition=part.condition)
            steps.append(replace(step, data="$response") if steps else step)
        return tuple(steps), body

    def _fan(self, flow: Flow, given: Body) -> tuple[tuple[Step, ...], Body]:
        """The steps of any other node, which all receive what the node received."""
        steps, answers = [], set()
        for part in flow.parts:
            if given is Body.PREDICTIONS and _wants_instances(part.target):
                part = replace(part, target=sequence(part.target))
            step, answer = self._step(part, given)
            condition = part.condition or _condition(flow.on, part.name, given)
            steps.append(replace(step, condition=condition, weight=part.weight))
            answers.add(answer)
        merged = flow.router_type is RouterType.ENSEMBLE or len(answers) != 1
        return tuple(steps), Body.OTHER if merged else answers.pop()

    def _step(self, part: Part, given: Body) -> tuple[Step, Body]:
        """A step without what only its node can say, and the kind of its answer."""
        target = part.target
        if isinstance(target, Part):
            raise SpecError("a step with a name or a condition of its own stands in a sequence")
        if isinstance(target, Flow):
            name = target.name or part.name or part.fallback or target.router_type.lower()
            answer = self.node(name, target, given)
            return _hard(part.name or name, node_name=name), answer
        name = self._service(target)
        if name.startswith(("http://", "https://")):
            return _hard(part.name or part.fallback, service_url=name), Body.PREDICTIONS
        return _hard(part.name or part.fallback or name, service_name=name), Body.PREDICTIONS

    def _service(self, target: Target) -> str:
        """The name or the URL of a service."""
        if isinstance(target, str):
            return target
        service = as_service(target)
        if self.services.setdefault(service.name, service) != service:
            raise SpecError(f'two services are called "{service.name}"; rename one of them')
        return service.name


def _is_sequence(flow: Flow) -> bool:
    return flow.router_type is RouterType.SEQUENCE


def _wants_instances(target: Target) -> bool:
    """A service does, and what hands its own input on; other nodes see to it themselves."""
    return not isinstance(target, Flow) or target.router_type in _HANDING_ON


def _hard(name: str, *, node_name: str = "", service_name: str = "", service_url: str = "") -> Step:
    return Step(name, node_name, service_name, service_url, dependency=Dependency.HARD)


def _condition(on: str, value: str, given: Body) -> str:
    """The gjson path that finds the branch of a switch by its field; "" where it has none."""
    if not on:
        return ""
    if not _FIELD.fullmatch(on) or not _VALUE.fullmatch(value):
        raise SpecError(
            f"switch on {on!r} for {value!r}: write the name of a field, and a value without "
            "quotes; for anything else name the branch by its condition"
        )
    if given is Body.OTHER:
        raise SpecError(f"switch on {on!r}: what it receives has neither instances nor predictions")
    return f'{given.value}.#({on}=="{value}")'

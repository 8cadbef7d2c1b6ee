"""Lint rules on what flows: which body a step receives, whose failures, and how long it takes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from graph.lint.findings import Problem, Subject
from graph.spec.model import ROOT, Dependency, Node, RouterType, Step

_INPUT = ("", "$request")
_ANSWER = "$response"
_V1_PATH = re.compile(r"/v1/models/[^/]+:predict$")


class Shape(Enum):
    """The kind of a body, as far as the graph alone can tell."""

    REQUEST = "the request"
    V1_ANSWER = "an answer of the V1 protocol"
    OTHER = "something else"


def find_unknown_data(subject: Subject) -> Iterator[Problem]:
    """A step with `data` that is neither `$request` nor `$response`."""
    for name, node, index, step in subject.graph.steps():
        if node.router_type is RouterType.SEQUENCE and step.data not in (*_INPUT, _ANSWER):
            yield Problem(
                f"data: {step.data!r} is not $response, so the step receives the node's input",
                "write $response for the whole answer before; there is no way to pick a part of it",
                name,
                index,
            )


def find_responses_at_start(subject: Subject) -> Iterator[Problem]:
    """A first step with `data: $response`."""
    for name, node, index, step in subject.graph.steps():
        if node.router_type is RouterType.SEQUENCE and index == 0 and step.data == _ANSWER:
            yield Problem(
                "there is no answer before the first step: it receives the node's input",
                "remove data",
                name,
                index,
            )


def find_unused_answers(subject: Subject) -> Iterator[Problem]:
    """A step of a Sequence whose answer reaches neither the next step nor its condition."""
    for name, node, index, step in subject.graph.steps():
        if node.router_type is not RouterType.SEQUENCE or index == 0:
            continue
        if step.data in _INPUT and not step.condition:
            before = node.steps[index - 1]
            yield Problem(
                f"the step receives the node's input once more, and the answer of the step before, "
                f"{before.name or before.target}, goes nowhere",
                "write data: $response (and mapPredictionsToInstances: true where a V1 service "
                "answers a V1 service), or put steps that need the same input into an Ensemble",
                name,
                index,
            )


def find_soft_failures(subject: Subject) -> Iterator[Problem]:
    """An error's body becomes the input of the next step."""
    for name, node, index, step in subject.graph.steps():
        if node.router_type is not RouterType.SEQUENCE or index + 1 == len(node.steps):
            continue
        if step.dependency is Dependency.SOFT and node.steps[index + 1].data == _ANSWER:
            yield Problem(
                "dependency is Soft (the default), so where the step answers an error the next "
                "step receives that error's body as its input",
                "write dependency: Hard",
                name,
                index,
            )


def find_unmapped_responses(subject: Subject) -> Iterator[Problem]:
    """A V1 service receives `predictions` where it wants `instances`."""
    if ROOT not in subject.graph.nodes:
        return
    flow = _Flow(subject)
    flow.node(ROOT, Shape.REQUEST)
    for name, index in sorted(flow.unmapped):
        yield Problem(
            'the service receives the answer before as it is, {"predictions": ...}, and a V1 '
            'service wants {"instances": ...}: it answers an error',
            "write mapPredictionsToInstances: true, in a Sequence that leads here",
            name,
            index,
        )


def find_missing_timeouts(subject: Subject) -> Iterator[Problem]:
    """Nothing ends a call that hangs."""
    client = subject.graph.timeouts.service_client
    if client is None or client <= 0:
        yield Problem(
            "KServe's router waits for a service without end, long after the client is gone",
            "set spec.routerTimeouts.serviceClient, in seconds",
        )


def find_short_timeouts(subject: Subject) -> Iterator[Problem]:
    """The connection ends before a slow walk does."""
    timeouts = subject.graph.timeouts
    client, write = timeouts.service_client, timeouts.server_write
    if client is None or client <= 0 or write <= 0 or ROOT not in subject.graph.nodes:
        return
    calls = subject.graph.longest_chain()
    if calls * client > write:
        yield Problem(
            f"{calls} calls in a row may take {calls * client} s (serviceClient {client}), but "
            f"after serverWrite, {write} s, the client's connection is dropped without an answer",
            f"set routerTimeouts.serverWrite to {calls * client}, or serviceClient lower",
        )


@dataclass
class _Flow:
    """Follows the shapes of bodies through the graph and notes the steps that get the wrong one."""

    subject: Subject
    unmapped: set[tuple[str, int]] = field(default_factory=set)
    _answers: dict[tuple[str, Shape], Shape] = field(default_factory=dict)

    def node(self, name: str, given: Shape) -> Shape:
        """The shape of what a node answers to `given`."""
        key = (name, given)
        if name not in self.subject.graph.nodes:
            return Shape.OTHER
        if key not in self._answers:
            self._answers[key] = Shape.OTHER  # while it is under way: the graph has a cycle
            self._answers[key] = self._through(name, self.subject.graph.nodes[name], given)
        return self._answers[key]

    def _through(self, name: str, node: Node, given: Shape) -> Shape:
        if node.router_type is RouterType.SEQUENCE:
            answer = given
            for index, step in enumerate(node.steps):
                received = answer if step.data == _ANSWER and index > 0 else given
                if step.map_predictions_to_instances and received is Shape.V1_ANSWER:
                    received = Shape.REQUEST
                answer = self._step(name, index, step, received)
            return answer
        answers = {self._step(name, index, step, given) for index, step in enumerate(node.steps)}
        if node.router_type is RouterType.ENSEMBLE or len(answers) != 1:
            return Shape.OTHER
        return answers.pop()

    def _step(self, name: str, index: int, step: Step, received: Shape) -> Shape:
        if step.node_name:
            return self.node(step.node_name, received)
        if not is_v1(step):
            return Shape.OTHER
        if received is Shape.V1_ANSWER:
            self.unmapped.add((name, index))
        return Shape.V1_ANSWER


def is_v1(step: Step) -> bool:
    """True where a step calls a service of the V1 protocol, as every `serviceName` does."""
    return bool(step.service_name) or bool(_V1_PATH.search(step.service_url))

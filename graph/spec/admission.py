"""The reasons for which KServe's webhook refuses an InferenceGraph, in its words and order.

It checks little: the name, a root, step names, one target for each step, the weights of a
Splitter. What it lets through may still never work; `graph.lint` is there for that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from graph.spec.documents import Place
from graph.spec.model import ROOT, Graph, Node, RouterType

# KServe's own messages, so that a person finds the same words here and on a cluster.
_NAME_PATTERN = "[a-z]([-a-z0-9]*[a-z0-9])?"
_BAD_NAME = (
    'The InferenceGraph "{}" is invalid: a InferenceGraph name must consist of lower case '
    "alphanumeric characters or '-', and must start with alphabetical character. (e.g. \"my-name\" "
    "or \"abc-123\", regex used for validation is '{}')"
)
_NO_ROOT = (
    "root node not found, InferenceGraph needs a node with name 'root' as the root node of the "
    "graph"
)
_NO_WEIGHT = "InferenceGraph[{}] Node[{}] Route[{}] missing the 'Weight'"
_BAD_WEIGHTS = (
    "InferenceGraph[{}] Node[{}] splitter node: the sum of traffic weights for all routing targets "
    "should be 100"
)
_SAME_NAME = 'Node "{}" of InferenceGraph "{}" contains more than one step with name "{}"'
_NO_TARGET = (
    'Step {} ("{}") in node "{}" of InferenceGraph "{}" does not specify an inference target'
)
_TWO_TARGETS = (
    'Step {} ("{}") in node "{}" of InferenceGraph "{}" specifies more than one of nodeName, '
    "serviceName, serviceUrl"
)


@dataclass(frozen=True)
class Refusal:
    """One reason. `step` is an index, None for the node; `node` is empty for the graph."""

    message: str
    node: str = ""
    step: int | None = None


Check = Callable[[Graph], Iterator[Refusal]]


def check_admission(graph: Graph, place: Place) -> None:
    """Raises SpecError with the first reason, as the webhook does."""
    for check in CHECKS:
        for refusal in check(graph):
            raise place.error(refusal.message)


def check_name(graph: Graph) -> Iterator[Refusal]:
    if not re.fullmatch(_NAME_PATTERN, graph.name):
        yield Refusal(_BAD_NAME.format(graph.name, _NAME_PATTERN))


def check_root(graph: Graph) -> Iterator[Refusal]:
    if ROOT not in graph.nodes:
        yield Refusal(_NO_ROOT)


def check_step_names(graph: Graph) -> Iterator[Refusal]:
    for name, node, index, step in graph.steps():
        if step.name and step.name in [earlier.name for earlier in node.steps[:index]]:
            yield Refusal(_SAME_NAME.format(name, graph.name, step.name), name, index)


def check_targets(graph: Graph) -> Iterator[Refusal]:
    for name, _, index, step in graph.steps():
        count = sum(map(bool, (step.node_name, step.service_name, step.service_url)))
        if count != 1:
            message = _NO_TARGET if count == 0 else _TWO_TARGETS
            yield Refusal(message.format(index, step.name, name, graph.name), name, index)


def check_weights(graph: Graph) -> Iterator[Refusal]:
    for name, node in graph.nodes.items():
        if node.router_type is RouterType.SPLITTER:
            yield from _check_weights(graph, name, node)


def _check_weights(graph: Graph, name: str, node: Node) -> Iterator[Refusal]:
    for index, step in enumerate(node.steps):
        if step.weight is None:
            yield Refusal(_NO_WEIGHT.format(graph.name, name, step.service_name), name, index)
            return
    if sum(step.weight or 0 for step in node.steps) != 100:
        yield Refusal(_BAD_WEIGHTS.format(graph.name, name), name)


CHECKS: tuple[Check, ...] = (
    check_name,
    check_root,
    check_step_names,
    check_targets,
    check_weights,
)

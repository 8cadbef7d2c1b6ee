"""What KServe's webhook refuses in an InferenceGraph, in its own words and in its order.

It checks little: the name, a root, step names, one target for each step, the weights of a
Splitter. What it lets through may still never work; that is for `graph.lint.findings`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from graph.spec.documents import Place
from graph.spec.model import Graph, Node

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
    """One reason. `rule` is its name in `parley graph lint`; `step` an index, None for the node."""

    rule: str
    message: str
    node: str = ""
    step: int | None = None


def check_admission(graph: Graph, place: Place) -> None:
    """Raises SpecError with the first reason, as the webhook does."""
    for refusal in refusals(graph):
        raise place.error(refusal.message)


def refusals(graph: Graph) -> Iterator[Refusal]:
    """Every reason for which the webhook would refuse the graph."""
    if not re.fullmatch(_NAME_PATTERN, graph.name):
        yield Refusal("graph-name", _BAD_NAME.format(graph.name, _NAME_PATTERN))
    if "root" not in graph.nodes:
        yield Refusal("no-root", _NO_ROOT)
    for check in (_step_names, _targets, _weights):
        for name, node in graph.nodes.items():
            yield from check(graph.name, name, node)


def _step_names(graph: str, name: str, node: Node) -> Iterator[Refusal]:
    seen: set[str] = set()
    for index, step in enumerate(node.steps):
        if step.name and step.name in seen:
            message = _SAME_NAME.format(name, graph, step.name)
            yield Refusal("step-name-twice", message, name, index)
        seen.add(step.name)


def _targets(graph: str, name: str, node: Node) -> Iterator[Refusal]:
    for index, step in enumerate(node.steps):
        count = sum(map(bool, (step.node_name, step.service_name, step.service_url)))
        if count != 1:
            message = _NO_TARGET if count == 0 else _TWO_TARGETS
            yield Refusal("one-target", message.format(index, step.name, name, graph), name, index)


def _weights(graph: str, name: str, node: Node) -> Iterator[Refusal]:
    if node.router_type != "Splitter":
        return
    for index, step in enumerate(node.steps):
        if step.weight is None:
            message = _NO_WEIGHT.format(graph, name, step.service_name)
            yield Refusal("weights", message, name, index)
            return
    if sum(step.weight or 0 for step in node.steps) != 100:
        yield Refusal("weights", _BAD_WEIGHTS.format(graph, name), name)

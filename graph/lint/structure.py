"""Lint rules on the shape of a graph: what its steps name, and fields that have no effect."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from graph.golang.url import find_url_error
from graph.lint.findings import Problem, Severity, Subject
from graph.spec.addresses import address_of
from graph.spec.documents import suggest
from graph.spec.model import ROOT, Graph, Node, RouterType, Step
from graph.spec.services import Container

_MODEL_NAME = "--model_name"
_SEQUENCE_ONLY = "only a Sequence reads it"


def find_dangling_nodes(subject: Subject) -> Iterator[Problem]:
    """A step goes to a node that does not exist."""
    names = list(subject.graph.nodes)
    for node, _, index, step in subject.graph.steps():
        if step.node_name and step.node_name not in names:
            yield Problem(
                f'there is no node "{step.node_name}"{suggest(step.node_name, names)}; a request '
                'that comes here is answered 500 "invalid route type: "',
                "name a node of this graph",
                node,
                index,
            )


def find_cycles(subject: Subject) -> Iterator[Problem]:
    """A node that is reached from itself."""
    for name, node, index, step in find_cyclic_steps(subject.graph):
        held = step.condition and node.router_type in (RouterType.SEQUENCE, RouterType.SWITCH)
        yield Problem(
            f'"{step.node_name}" leads back to "{name}"; '
            + ("unless the condition fails one day, " if held else "")
            + "KServe's router calls itself until its memory ends and the pod is restarted",
            "let the step go to another node",
            name,
            index,
            Severity.WARNING if held else None,
        )


def find_cyclic_steps(graph: Graph) -> list[tuple[str, Node, int, Step]]:
    """The steps that lead back to their own node, in the form of `Graph.steps`."""
    return [found for found in graph.steps() if found[0] in _reached(graph, found[3].node_name)]


def find_unreachable_nodes(subject: Subject) -> Iterator[Problem]:
    """No request ever comes to a node."""
    if ROOT not in subject.graph.nodes:
        return
    reached = _reached(subject.graph, ROOT)
    for node in subject.graph.nodes:
        if node not in reached:
            yield Problem(
                "no step leads here from root, so no request ever comes",
                "let a step name it with nodeName, or remove it",
                node,
            )


def find_empty_nodes(subject: Subject) -> Iterator[Problem]:
    """A node without steps."""
    happens = {
        RouterType.SEQUENCE: "KServe's router panics and drops the client's connection",
        RouterType.SWITCH: "every request is answered with an error",
        RouterType.ENSEMBLE: "every request is answered {}",
        RouterType.SPLITTER: "every request is answered with an error",
    }
    for name, node in subject.graph.nodes.items():
        if not node.steps:
            problem = f"a {node.router_type} without steps: {happens[node.router_type]}"
            yield Problem(problem, "give it a step", name)


def find_unknown_services(subject: Subject) -> Iterator[Problem]:
    """No InferenceService of the files has the name."""
    names = [service.name for service in subject.services_of_namespace()]
    for node, _, index, step in subject.graph.steps():
        if step.service_name and step.service_name not in (*names, *subject.elsewhere):
            yield Problem(
                f'no InferenceService "{step.service_name}" of the same namespace in the files'
                f"{suggest(step.service_name, names)}; without one the graph never becomes Ready",
                "name one that is there, give its file to lint as well, or say where it runs with "
                f"--service {step.service_name}=URL",
                node,
                index,
                None if subject.services else Severity.WARNING,
            )


def find_unknown_models(subject: Subject) -> Iterator[Problem]:
    """A service of the files does not serve the model that a step asks it for."""
    for node, _, index, step in subject.graph.steps():
        address = address_of(step)
        if address is None:
            continue
        for service in subject.services:
            names = _served_models(service.container)
            if names and address.is_of(service, subject.graph) and address.model not in names:
                yield Problem(
                    f'the container of InferenceService "{service.name}" serves '
                    f'{", ".join(names)}, and not "{address.model}"'
                    f"{suggest(address.model, names)}; every call is answered 404",
                    f"call it by serviceUrl, at /v1/models/{names[0]}:predict, or change its "
                    f"{_MODEL_NAME}",
                    node,
                    index,
                )


def _served_models(container: Container | None) -> list[str]:
    """The names that a predictor's options give its models; empty where they are not known."""
    words = container.known_words() if container else []
    given = [word.partition("=")[2] for word in words if word.startswith(f"{_MODEL_NAME}=")]
    pairs = itertools.pairwise(words)
    return given + [following for word, following in pairs if word == _MODEL_NAME]


def find_bad_urls(subject: Subject) -> Iterator[Problem]:
    """A URL that cannot be called."""
    for node, _, index, step in subject.graph.steps():
        error = find_url_error(step.service_url) if step.service_url else None
        if error:
            yield Problem(
                f"every call fails and the request is answered 500: {error}",
                "write a whole URL, such as http://name-predictor/v1/models/name:predict",
                node,
                index,
            )


def find_ensemble_keys(subject: Subject) -> Iterator[Problem]:
    """Two steps of an Ensemble answer under one key."""
    for name, node in subject.graph.nodes.items():
        keys = [step.name or str(index) for index, step in enumerate(node.steps)]
        if node.router_type is not RouterType.ENSEMBLE:
            continue
        for index, key in enumerate(keys):
            if key in keys[:index] and not (node.steps[index].name and _named(node.steps, key)):
                yield Problem(
                    f'another step answers under the key "{key}" too, and its answer is lost',
                    "give every step a name of its own",
                    name,
                    index,
                )


def find_ignored_fields(subject: Subject) -> Iterator[Problem]:
    """A field that this kind of node does not read."""
    for name, node, index, step in subject.graph.steps():
        for field, reason in _ignored(node.router_type, step):
            yield Problem(
                f"{field} has no effect in a {node.router_type}: {reason}",
                f"remove it, or put the step into a {_reader(field)}",
                name,
                index,
            )


def _ignored(router_type: RouterType, step: Step) -> Iterator[tuple[str, str]]:
    if router_type is not RouterType.SPLITTER and step.weight is not None:
        yield "weight", "only a Splitter reads it"
    if step.condition and router_type in (RouterType.SPLITTER, RouterType.ENSEMBLE):
        yield "condition", "only a Switch and a Sequence read it"
    if router_type is not RouterType.SEQUENCE:
        if step.data == "$response":
            yield "data", f"{_SEQUENCE_ONLY}, here every step receives the node's input"
        if step.map_predictions_to_instances:
            yield "mapPredictionsToInstances", _SEQUENCE_ONLY


def _reader(field: str) -> str:
    return {"weight": "Splitter", "condition": "Switch"}.get(field, "Sequence")


def _named(steps: tuple[Step, ...], key: str) -> bool:
    # Two steps of one *name* are the webhook's business.
    return [step.name for step in steps].count(key) > 1


def _reached(graph: Graph, start: str) -> set[str]:
    """The names of a node and of all that it leads to."""
    reached: set[str] = set()
    pending = [start]
    while pending:
        name = pending.pop()
        if name not in reached and name in graph.nodes:
            reached.add(name)
            pending += [step.node_name for step in graph.nodes[name].steps]
    return reached

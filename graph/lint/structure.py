"""Lint rules on the shape of a graph: what its steps name, and fields that do nothing."""

from __future__ import annotations

from collections.abc import Iterator

from graph.golang.url import find_url_error
from graph.lint.findings import Finding, Severity, Subject
from graph.spec.documents import suggest
from graph.spec.model import ROOT, RouterType, Step

_SEQUENCE_ONLY = "only a Sequence reads it"


def find_dangling_nodes(subject: Subject) -> Iterator[Finding]:
    """`dangling-node`: a step goes to a node that does not exist."""
    names = list(subject.graph.nodes)
    for node, _, index, step in subject.steps():
        if step.node_name and step.node_name not in names:
            yield subject.finding(
                "dangling-node",
                Severity.ERROR,
                f'there is no node "{step.node_name}"{suggest(step.node_name, names)}; a request '
                'that comes here is answered 500 "invalid route type: "',
                "name a node of this graph",
                node,
                index,
            )


def find_cycles(subject: Subject) -> Iterator[Finding]:
    """`cycle`: a node is reached from itself."""
    for node, _, index, step in subject.steps():
        if step.node_name in subject.graph.nodes and node in _reached(subject, step.node_name):
            held = step.condition and subject.graph.nodes[node].router_type in (
                RouterType.SEQUENCE,
                RouterType.SWITCH,
            )
            yield subject.finding(
                "cycle",
                Severity.WARNING if held else Severity.ERROR,
                f'"{step.node_name}" leads back to "{node}"; '
                + ("unless the condition fails one day, " if held else "")
                + "KServe's router calls itself until its memory ends and the pod is restarted",
                "let the step go to another node",
                node,
                index,
            )


def find_unreachable_nodes(subject: Subject) -> Iterator[Finding]:
    """`unreachable-node`: no request ever comes to a node."""
    if ROOT not in subject.graph.nodes:
        return
    reached = _reached(subject, ROOT)
    for node in subject.graph.nodes:
        if node not in reached:
            yield subject.finding(
                "unreachable-node",
                Severity.WARNING,
                "no step leads here from root, so no request ever comes",
                "let a step name it with nodeName, or remove it",
                node,
            )


def find_empty_nodes(subject: Subject) -> Iterator[Finding]:
    """`empty-node`: a node without steps."""
    happens = {
        RouterType.SEQUENCE: "KServe's router panics and drops the client's connection",
        RouterType.SWITCH: "every request is answered with an error",
        RouterType.ENSEMBLE: "every request is answered {}",
        RouterType.SPLITTER: "every request is answered with an error",
    }
    for name, node in subject.graph.nodes.items():
        if not node.steps:
            problem = f"a {node.router_type} without steps: {happens[node.router_type]}"
            yield subject.finding("empty-node", Severity.ERROR, problem, "give it a step", name)


def find_unknown_services(subject: Subject) -> Iterator[Finding]:
    """`unknown-service`: no InferenceService of the files has the name."""
    graph = subject.graph
    names = [s.name for s in subject.services if _same_namespace(s.namespace, graph.namespace)]
    for node, _, index, step in subject.steps():
        if step.service_name and step.service_name not in names:
            yield subject.finding(
                "unknown-service",
                Severity.ERROR if subject.services else Severity.WARNING,
                f'no InferenceService "{step.service_name}" of the same namespace in the files'
                f"{suggest(step.service_name, names)}; without one the graph never becomes Ready",
                "name one that is there, or give its file to lint as well",
                node,
                index,
            )


def find_bad_urls(subject: Subject) -> Iterator[Finding]:
    """`service-url`: a URL that cannot be called."""
    for node, _, index, step in subject.steps():
        error = find_url_error(step.service_url) if step.service_url else None
        if error:
            yield subject.finding(
                "service-url",
                Severity.ERROR,
                f"every call fails and the request is answered 500: {error}",
                "write a whole URL, such as http://name-predictor/v1/models/name:predict",
                node,
                index,
            )


def find_ensemble_keys(subject: Subject) -> Iterator[Finding]:
    """`ensemble-key`: two steps of an Ensemble answer under one key."""
    for name, node in subject.graph.nodes.items():
        keys = [step.name or str(index) for index, step in enumerate(node.steps)]
        if node.router_type is not RouterType.ENSEMBLE:
            continue
        for index, key in enumerate(keys):
            if key in keys[:index] and not (node.steps[index].name and _named(node.steps, key)):
                yield subject.finding(
                    "ensemble-key",
                    Severity.ERROR,
                    f'another step answers under the key "{key}" too, and its answer is lost',
                    "give every step a name of its own",
                    name,
                    index,
                )


def find_ignored_fields(subject: Subject) -> Iterator[Finding]:
    """`ignored-field`: a field that this kind of node does not read."""
    for name, node, index, step in subject.steps():
        for field, reason in _ignored(node.router_type, step):
            yield subject.finding(
                "ignored-field",
                Severity.WARNING,
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


def _same_namespace(one: str, other: str) -> bool:
    return not one or not other or one == other


def _reached(subject: Subject, start: str) -> set[str]:
    """The names of a node and of all that it leads to."""
    reached: set[str] = set()
    pending = [start]
    while pending:
        name = pending.pop()
        if name not in reached and name in subject.graph.nodes:
            reached.add(name)
            pending += [step.node_name for step in subject.graph.nodes[name].steps]
    return reached

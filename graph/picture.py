"""A graph as Mermaid text, and the walk of one request through it as plain text.

Mermaid is what GitHub, GitLab and most editors draw from a ```mermaid block. Nodes of the graph
are boxes, services are rounded, and an edge says which step it is and when it is taken.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from graph.asgi import Answer
from graph.golang.json import read_for_people
from graph.router.walk import Visit
from graph.spec.model import Dependency, Graph, Node, RouterType, Step

_SHAPES = {
    RouterType.SEQUENCE: '["{}"]',
    RouterType.SWITCH: '{{"{}"}}',
    RouterType.SPLITTER: '[/"{}"/]',
    RouterType.ENSEMBLE: '[["{}"]]',
}
_SHOWN = 500


def draw(graph: Graph) -> str:
    """The graph as a Mermaid flowchart, from the client down to the services."""
    lines = ["flowchart TD", '  client(("client")) --> n_root']
    ids = {name: f"n{index}" for index, name in enumerate(graph.nodes)} | {"root": "n_root"}
    services: dict[str, str] = {}
    for name, node in graph.nodes.items():
        shape = _SHAPES[node.router_type]
        lines.append("  " + ids[name] + shape.format(f"{_text(name)}<br/>{node.router_type}"))
        for index, step in enumerate(node.steps):
            if step.node_name:
                target = ids.get(step.node_name, "missing")
            else:
                target = services.setdefault(step.target, f"s{len(services)}")
            lines.append(f'  {ids[name]} -->|"{_label(node, index, step)}"| {target}')
    lines += [f'  {name}(["{_text(target)}"])' for target, name in services.items()]
    if any(step.node_name not in (*ids, "") for _, _, _, step in graph.steps()):
        lines.append('  missing["no such node"]')
    return "\n".join(lines)


def describe_walk(visits: Iterable[Visit], answer: Answer, timed: bool = False) -> str:
    """Each step in the order in which it began, with what it received and answered.

    timed: also the seconds that it took.
    """
    lines = []
    for visit in sorted(visits, key=lambda visit: visit.order):
        indent = "  " * visit.depth
        took = f"  {visit.seconds:.2f} s" if timed else ""
        lines.append(f"{indent}{visit.node} / {_name(visit)} -> {visit.step.target}{took}")
        lines.append(f"{indent}  received  {_shorten(visit.request)}")
        if visit.answer is None:
            lines.append(f"{indent}  failed    {visit.error}")
        else:
            body = _shorten(visit.answer.body)
            lines.append(f"{indent}  answered  {visit.answer.status} {body}")
    return "\n".join([*lines, describe_answer("answer", answer)])


def describe_answer(name: str, answer: Answer) -> str:
    """A whole answer, by the name that it is given."""
    kind = answer.content_type or "no content"
    return f"{name}  {answer.status} {kind}\n  {_shorten(answer.body)}"


def walk_as_dict(visits: Iterable[Visit], answer: Answer, timed: bool = False) -> dict[str, Any]:
    """`describe_walk` as a value for JSON, with whole bodies; a body that is JSON is its value."""
    steps = []
    for visit in sorted(visits, key=lambda visit: visit.order):
        step: dict[str, Any] = {"node": visit.node, "step": _name(visit)}
        step |= {"target": visit.step.target, "received": read_for_people(visit.request)}
        if visit.answer is None:
            step["error"] = visit.error
        else:
            step |= {"status": visit.answer.status, "answered": read_for_people(visit.answer.body)}
        steps.append(step | ({"seconds": round(visit.seconds, 3)} if timed else {}))
    return {"steps": steps, "answer": answer_as_dict(answer)}


def answer_as_dict(answer: Answer) -> dict[str, Any]:
    fields = {"status": answer.status, "content_type": answer.content_type}
    return fields | {"body": read_for_people(answer.body)}


def _name(visit: Visit) -> str:
    return visit.step.name or f"steps[{visit.index}]"


def _label(node: Node, index: int, step: Step) -> str:
    parts = [step.name or str(index)]
    if node.router_type is RouterType.SEQUENCE:
        parts[0] = f"{index + 1}. {step.name}" if step.name else f"{index + 1}."
        parts += ["$response"] if step.data == "$response" and index > 0 else []
        parts += ["mapped"] if step.map_predictions_to_instances else []
    if node.router_type is RouterType.SPLITTER:
        parts.append(f"{step.weight}%")
    if step.condition and node.router_type in (RouterType.SWITCH, RouterType.SEQUENCE):
        parts.append(f"if {step.condition}")
    if step.dependency is Dependency.SOFT and node.router_type is not RouterType.SWITCH:
        parts.append("Soft")
    return "<br/>".join(map(_text, parts))


def _text(text: str) -> str:
    """Text inside a Mermaid label: what has a meaning there is written as a character code."""
    return "".join(
        char if char.isalnum() or char in " -_.$%:/()=@,*?!+" else f"#{ord(char)};" for char in text
    )


def _shorten(body: bytes) -> str:
    text = _decode(body).strip()
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}... ({len(body)} bytes)"


def _decode(body: bytes) -> str:
    return body.decode("utf-8", "backslashreplace")

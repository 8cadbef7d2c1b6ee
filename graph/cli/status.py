"""A status as people and programs read it: a tree, plain lines, or plain values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from rich.markup import escape
from rich.tree import Tree

from graph.cluster.parts.model import Part, State, Status
from graph.cluster.reasons.model import Reason
from graph.cluster.snapshot import GRAPH, SERVICE

_COLOURS = {
    State.READY: "green",
    State.WAITING: "yellow",
    State.FAILING: "red",
    State.STOPPED: "magenta",
    State.IDLE: "dim",
}


def draw(status: Status) -> Tree:
    """For a terminal."""
    root = Tree(f"namespace {escape(status.namespace)}")
    for application in status.applications:
        _grow(root, application)
    if status.problem:
        root.add(f"[red]the cluster does not answer: {escape(status.problem)}[/]")
    return root


def _grow(tree: Tree, part: Part) -> None:
    colour = _COLOURS[part.state]
    detail = f" {escape(_detail(part))}" if _detail(part) else ""
    grown = tree.add(f"{part.kind} [bold]{escape(part.name)}[/] [{colour}]{part.state}[/]{detail}")
    if part.reason:
        for line in _reason_lines(part.reason):
            grown.add(f"[{colour}]{escape(line)}[/]", guide_style="dim")
    for inner in part.parts:
        _grow(grown, inner)


def list_lines(status: Status) -> Iterator[str]:
    """The same tree as plain lines, two spaces for each level."""
    for path in status.walk():
        part, indent = path[-1], "  " * (len(path) - 1)
        yield indent + describe_part(part)
        if part.reason:
            yield from (f"{indent}  {line}" for line in _reason_lines(part.reason))


def describe_part(part: Part) -> str:
    """In one line: which one, how it is, what it does."""
    detail = _detail(part)
    return f"{part.kind} {part.name}: {part.state}" + (f", {detail}" if detail else "")


def _detail(part: Part) -> str:
    """Nothing where the state, or the reason that follows, says the same."""
    return "" if part.detail == part.state or part.reason else part.detail


def _reason_lines(reason: Reason) -> Iterator[str]:
    yield reason.message
    yield f"fix: {reason.fix}"
    yield from (f"log: {line}" for line in reason.log_lines)


def list_changes(before: Status | None, now: Status) -> Iterator[str]:
    """A line for each part that is not as it was; applications are left out, being their parts.

    What may be on its way, such as a probe of a model that loads, gets no reason here.
    """
    if now.problem != (before.problem if before else ""):
        yield f"the cluster does not answer: {now.problem}" if now.problem else "it answers again"
    known = {_names(path): _calm(path[-1]) for path in before.walk()} if before else {}
    for path in now.walk():
        part, old = _calm(path[-1]), known.get(_names(path))
        if len(path) == 1 or (old and _shown(old) == _shown(part)):
            continue
        yield describe_part(part)
        if part.reason and (old is None or old.reason != part.reason):
            yield from (f"  {line}" for line in _reason_lines(part.reason))


def _names(path: Sequence[Part]) -> tuple[str, ...]:
    return tuple(f"{part.kind}/{part.name}" for part in path)


def _calm(part: Part) -> Part:
    return part if part.reason is None or part.reason.failing else replace(part, reason=None)


def _shown(part: Part) -> tuple[object, ...]:
    return part.state, part.detail, part.reason


def to_dict(status: Status) -> dict[str, Any]:
    """For JSON and YAML; what is empty is left out."""
    applications = [_part_fields(part) for part in status.applications]
    fields = {"namespace": status.namespace, "ready": status.ready, "applications": applications}
    return fields | ({"problem": status.problem} if status.problem else {})


def _part_fields(part: Part) -> dict[str, Any]:
    fields: dict[str, Any] = {"kind": part.kind, "name": part.name, "state": part.state.value}
    if part.detail:
        fields["detail"] = part.detail
    if part.reason:
        reason = part.reason
        fields["reason"] = {
            "cause": reason.cause.value,
            "message": reason.message,
            "fix": reason.fix,
            "log": list(reason.log_lines),
        }
    if part.parts:
        fields["parts"] = [_part_fields(inner) for inner in part.parts]
    return fields


def qualified_names(status: Status) -> list[str]:
    """Each application as kubectl names its graph, or its service."""
    return [_qualified(application) for application in status.applications]


def _qualified(application: Part) -> str:
    graphs = [p for p in application.parts if (p.kind, p.name) == (GRAPH.name, application.name)]
    kind = GRAPH if graphs else SERVICE
    return f"{kind.name.lower()}.{kind.api_version.partition('/')[0]}/{application.name}"

"""Golden cases of a graph: a request, the services' answers, and the expected result.

    - name: French goes through both translators
      request: {instances: [{user_input: Bonjour}]}
      services:
        detector: {body: {predictions: [{route: fr}]}}
        chat: [{status: 503, body: {error: busy}}]
      expect:
        path: [detector, by-language, fr, translate-fr-en, chat]
        status: 503
        body: {error: busy}

A body that is text is sent as it is, anything else as JSON. `path` names the steps taken, in
order, each by its own name or by its target: every service, and those nodes that the path names.
`received` gives what a service got, `draw` the number (0 to 99) that a Splitter draws. Nothing but
what is expected is compared.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from graph.asgi import Answer
from graph.golang.json import read_for_people
from graph.router.walk import Visit, route
from graph.spec.documents import Place, items, mapping, number, read_yaml, text
from graph.spec.model import Graph
from graph.testing.stubs import Played, Stubs

_UNSET = object()


@dataclass(frozen=True)
class Expectation:
    """The expected result; None (and `_UNSET` for bodies) where it does not matter."""

    path: tuple[str, ...] | None = None
    status: int | None = None
    body: Any = _UNSET
    received: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    name: str
    request: bytes
    services: dict[str, tuple[Played, ...]]
    expect: Expectation
    draw: int = 0


@dataclass(frozen=True)
class Result:
    """The result of a case, which passed if there are no problems."""

    case: Case
    problems: tuple[str, ...]
    visits: tuple[Visit, ...]
    answer: Answer

    @property
    def passed(self) -> bool:
        return not self.problems


def read_cases(yaml_text: str, source: str, graph: Graph) -> list[Case]:
    """The cases of a YAML text. Raises SpecError, also for a service that the graph has not."""
    found = items(read_yaml(yaml_text, source), Place(source))
    if not found:
        raise Place(source).error("no case in it")
    return [_read_case(value, place, graph.targets()) for place, value in found]


def run_case(graph: Graph, case: Case) -> Result:
    """Walks the graph with the case's services played."""
    stubs = Stubs(case.services)
    visits: list[Visit] = []
    answer = asyncio.run(
        route(graph, case.request, (), stubs.call, draw=lambda: case.draw, watch=visits.append)
    )
    ordered = tuple(sorted(visits, key=lambda visit: visit.order))
    return Result(
        case, tuple(_problems(graph, case.expect, ordered, stubs, answer)), ordered, answer
    )


def _read_case(value: Any, place: Place, targets: Collection[str]) -> Case:
    fields = mapping(value, place, ("name", "request", "services", "expect", "draw"))
    for key in ("request", "expect"):
        if key not in fields:
            raise place.error(f"{key} is required")
    at = place.at("services")
    services = mapping(fields.get("services", {}), at, targets)
    return Case(
        text(fields, "name", place, default=place.field),
        _body(fields["request"]),
        {name: _read_script(script, at.at(name)) for name, script in services.items()},
        _read_expectation(fields["expect"], place.at("expect"), targets),
        number(fields, "draw", place) or 0,
    )


def _read_script(value: Any, place: Place) -> tuple[Played, ...]:
    answers = items(value, place) if isinstance(value, list) else [(place, value)]
    return tuple(_read_played(answer, where) for where, answer in answers)


def _read_played(value: Any, place: Place) -> Played:
    fields = mapping(value, place, ("status", "body", "error"))
    status = number(fields, "status", place)
    return Played(
        200 if status is None else status,
        _body(fields.get("body", "")),
        text(fields, "error", place),
    )


def _read_expectation(value: Any, place: Place, targets: Collection[str]) -> Expectation:
    fields = mapping(value, place, ("path", "status", "body", "received"))
    path = None
    if "path" in fields:
        path = tuple(str(name) for _, name in items(fields["path"], place.at("path")))
    received = mapping(fields.get("received", {}), place.at("received"), targets)
    status = number(fields, "status", place)
    return Expectation(path, status, fields.get("body", _UNSET), received)


def _problems(
    graph: Graph, expect: Expectation, visits: Sequence[Visit], stubs: Stubs, answer: Answer
) -> list[str]:
    problems = []
    if expect.path is not None:
        taken = _taken(visits, expect.path)
        if taken != list(expect.path):
            problems.append(f"path: {_list(taken)}, expected {_list(expect.path)}")
    if expect.status is not None and answer.status != expect.status:
        problems.append(f"status: {answer.status}, expected {expect.status}")
    if expect.body is not _UNSET:
        problems += _compare("body", answer.body, expect.body)
    for target, body in expect.received.items():
        bodies = [received for name, received in stubs.received if name == target]
        if bodies:
            problems += _compare(f"{target} received", bodies[-1], body)
        else:
            problems.append(f"{target} received nothing")
    return problems


def _taken(visits: Sequence[Visit], path: Sequence[str]) -> list[str]:
    """The path that was taken, each step by the name or the target that `path` has in its place.

    A step that leads to a node counts where `path` names it.
    """
    taken: list[str] = []
    for step in (visit.step for visit in visits):
        wanted = path[len(taken)] if len(taken) < len(path) else ""
        if wanted and wanted in (step.name, step.target):
            taken.append(wanted)
        elif not step.node_name or step.target in path or (step.name and step.name in path):
            taken.append(step.target)
    return taken


def _compare(name: str, body: bytes, expected: Any) -> list[str]:
    same = body == _body(expected)
    if not isinstance(expected, str):
        same = same or read_for_people(body) == expected
    shown = body.decode("utf-8", "backslashreplace")
    return [] if same else [f"{name}: {shown}, expected {_body(expected).decode()}"]


def _body(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    written = (
        value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    )
    # An escape can name half a character.
    return written.encode(errors="backslashreplace")


def _list(names: Sequence[str]) -> str:
    return " -> ".join(names) or "no step"

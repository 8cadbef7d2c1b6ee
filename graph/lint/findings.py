"""Findings about an InferenceGraph: mistakes that KServe refuses, and those that it accepts.

A finding says where it is, which rule found it, what happens at run time, and how to fix it. A rule
has a name that never changes and a check, a function from a `Subject` to the problems that it
finds; all rules are listed in `graph.lint.rules`. No service is called, so what only the services
could tell is left to `parley graph test`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from graph.spec.model import Graph
from graph.spec.services import InferenceService


class Severity(StrEnum):
    """An error is wrong for some request for certain; a warning is right only if it is meant."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Subject:
    """One graph under the rules, and what else is known.

    services: the InferenceServices of all files.  elsewhere: the names of services that run but
    are in no file.  examples: JSON bodies that pass through the graph, by file name.
    """

    graph: Graph
    services: Sequence[InferenceService] = ()
    examples: Mapping[str, bytes] = field(default_factory=dict)
    elsewhere: Collection[str] = ()

    def services_of_namespace(self) -> list[InferenceService]:
        """The services that the graph can call by name: those of its own namespace."""
        own = self.graph.namespace
        return [s for s in self.services if not own or not s.namespace or s.namespace == own]


@dataclass(frozen=True)
class Problem:
    """A mistake that a check found: what happens at run time, how to fix it, and where it is.

    `step` is an index, None for the node; `node` is empty for the graph. `severity` is set where
    it is not that of the rule.
    """

    text: str
    fix: str
    node: str = ""
    step: int | None = None
    severity: Severity | None = None


@dataclass(frozen=True)
class Rule:
    name: str
    severity: Severity
    check: Callable[[Subject], Iterable[Problem]]


@dataclass(frozen=True)
class Finding:
    """`step` is the step's name or its index, empty for the node; `node` empty for the graph."""

    file: str
    graph: str
    node: str
    step: str
    rule: str
    severity: Severity
    problem: str
    fix: str

    @property
    def place(self) -> str:
        return ": ".join(part for part in (self.file, self.graph, self.node, self.step) if part)


def lint(subject: Subject, rules: Iterable[Rule]) -> list[Finding]:
    """The findings of all rules, in the order of the graph's nodes; errors of a place first."""
    nodes = ["", *subject.graph.nodes]
    problems = ((rule, problem) for rule in rules for problem in rule.check(subject))
    found = [_find(subject.graph, rule, problem) for rule, problem in problems]
    return sorted(found, key=lambda finding: (nodes.index(finding.node), finding.severity))


def _find(graph: Graph, rule: Rule, problem: Problem) -> Finding:
    step = ""
    if problem.step is not None:
        step = graph.nodes[problem.node].steps[problem.step].name or f"steps[{problem.step}]"
    return Finding(
        graph.source,
        graph.name,
        problem.node,
        step,
        rule.name,
        problem.severity or rule.severity,
        problem.text,
        problem.fix,
    )

"""What is wrong with an InferenceGraph although, or because, KServe takes it without a word.

`lint` gives findings: where, which rule, what happens at run time, how to mend it. The rules are
in `graph.lint.structure`, `graph.lint.conditions` and `graph.lint.flow`; each is a function from
a `Subject` to its findings and has one name that never changes. Nothing is called and nothing is
run; what only the services could tell is left to `parley graph test`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from graph.spec.admission import refusals
from graph.spec.model import Graph, Node, Step
from graph.spec.services import InferenceService


class Severity(StrEnum):
    """An error is wrong for some request for certain; a warning is right only if it is meant."""

    ERROR = "error"
    WARNING = "warning"


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
    mend: str

    @property
    def place(self) -> str:
        return ": ".join(part for part in (self.file, self.graph, self.node, self.step) if part)

    def as_dict(self) -> dict[str, Any]:
        names = ("file", "graph", "node", "step", "rule", "severity", "problem", "mend")
        return {name: str(getattr(self, name)) for name in names}


@dataclass(frozen=True)
class Subject:
    """One graph under the rules, and what else is known.

    services: the InferenceServices of all files.  examples: JSON bodies that pass through the
    graph, by file name.
    """

    graph: Graph
    services: Sequence[InferenceService] = ()
    examples: Mapping[str, bytes] = field(default_factory=dict)

    def steps(self) -> Iterator[tuple[str, Node, int, Step]]:
        """Every step with the name of its node, the node, and its index."""
        for name, node in self.graph.nodes.items():
            for index, step in enumerate(node.steps):
                yield name, node, index, step

    def finding(
        self,
        rule: str,
        severity: Severity,
        problem: str,
        mend: str,
        node: str = "",
        step: int | None = None,
    ) -> Finding:
        """A finding at a node, or at one of its steps."""
        name = ""
        if step is not None:
            name = self.graph.nodes[node].steps[step].name or f"steps[{step}]"
        return Finding(
            self.graph.source, self.graph.name, node, name, rule, severity, problem, mend
        )


Rule = Callable[[Subject], Iterable[Finding]]


def lint(subject: Subject, rules: Iterable[Rule]) -> list[Finding]:
    """The findings of all rules, in the order of the graph's nodes; errors of a place first."""
    nodes = ["", *subject.graph.nodes]
    found = [finding for rule in rules for finding in rule(subject)]
    return sorted(found, key=lambda f: (nodes.index(f.node), f.severity))


def refused_by_webhook(subject: Subject) -> Iterator[Finding]:
    """`graph-name`, `no-root`, `step-name-twice`, `one-target`, `weights`."""
    mends = {
        "graph-name": "rename the graph",
        "no-root": "name the first node root",
        "step-name-twice": "give each step of the node a name of its own",
        "one-target": "keep exactly one of nodeName, serviceName and serviceUrl",
        "weights": "give every step a weight; together they are 100",
    }
    for refusal in refusals(subject.graph):
        problem = f"the API server refuses it: {refusal.message}"
        mend = mends[refusal.rule]
        yield subject.finding(
            refusal.rule, Severity.ERROR, problem, mend, refusal.node, refusal.step
        )

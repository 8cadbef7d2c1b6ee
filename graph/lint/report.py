"""`parley graph lint`, from loaded files to lines of text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from graph.errors import SpecError
from graph.golang.json import is_valid
from graph.lint.findings import Finding, Subject, lint
from graph.lint.rules import RULES
from graph.spec.model import Objects
from graph.spec.sources import read_source


def lint_objects(loaded: Sequence[Objects], examples: Mapping[str, bytes]) -> list[Finding]:
    """The findings for every graph, each seen together with the services of all files."""
    services = [service for objects in loaded for service in objects.services]
    graphs = [graph for objects in loaded for graph in objects.graphs]
    return [f for graph in graphs for f in lint(Subject(graph, services, examples), RULES)]


def read_examples(files: Iterable[str]) -> dict[str, bytes]:
    """JSON bodies by file name. Raises SpecError for what is no JSON."""
    examples = {}
    for file in files:
        text, name = read_source(file)
        if not is_valid(text.encode()):
            raise SpecError(f"{name}: not JSON; an example is the body of a request or an answer")
        examples[name] = text.encode()
    return examples


def describe(findings: Sequence[Finding]) -> str:
    """Three lines for each finding, and how many there are."""
    lines = []
    for finding in findings:
        lines.append(f"{finding.place}: {finding.severity} [{finding.rule}]")
        lines += [f"  {finding.problem}", f"  mend: {finding.mend}"]
    counts = Counter(finding.severity for finding in findings)
    found = ", ".join(
        f"{count} {severity}{'s' * (count > 1)}" for severity, count in counts.items()
    )
    return "\n".join([*lines, found or "nothing found"])

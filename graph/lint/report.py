"""`parley graph lint`, from loaded files to lines of text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from graph.errors import SpecError
from graph.golang.json import is_valid
from graph.lint.findings import Finding, Subject, lint
from graph.lint.rules import RULES
from graph.spec.documents import suggest
from graph.spec.model import Objects
from graph.spec.sources import read_source


def lint_objects(
    loaded: Sequence[Objects], examples: Mapping[str, bytes], elsewhere: Collection[str] = ()
) -> list[Finding]:
    """The findings for every graph, each seen together with the services of all files.

    `elsewhere` names services that run but are in no file. Raises SpecError for a name that no
    graph calls.
    """
    services = [service for objects in loaded for service in objects.services]
    graphs = [graph for objects in loaded for graph in objects.graphs]
    called = [name for graph in graphs for name in graph.service_names()]
    for name in elsewhere:
        if name not in called:
            raise SpecError(f"--service {name}: no graph calls it{suggest(name, called)}")
    subjects = [Subject(graph, services, examples, elsewhere) for graph in graphs]
    return [finding for subject in subjects for finding in lint(subject, RULES)]


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
        lines += [f"  {finding.problem}", f"  fix: {finding.fix}"]
    counts = Counter(finding.severity for finding in findings)
    found = ", ".join(
        f"{count} {severity}{'s' * (count > 1)}" for severity, count in counts.items()
    )
    return "\n".join([*lines, found or "nothing found"])

"""Lint rules on conditions. KServe refuses no gjson path: one that is wrong just never matches."""

from __future__ import annotations

import re
from collections.abc import Iterator

from graph.golang.gjson.lookup import find
from graph.golang.gjson.paths import MODIFIER_NAMES
from graph.golang.gjson.text import Kind
from graph.lint.findings import Problem, Severity, Subject
from graph.router.conditions import exists, matches
from graph.spec.documents import suggest
from graph.spec.model import ROOT, Dependency, RouterType

# These bodies have next to nothing in common, so a path that exists in all of them exists in any.
_ANY_BODIES = (b"{}", b"[]", b"0", b'"x"', b"null", b'{"instances":[]}', b"[[1]]")
_QUERY = re.compile(r'#[(\[](?:[^"()\[\]]|"(?:[^"\\]|\\.)*"|\((?:[^()])*\))*[)\]]')
_MODIFIER = re.compile(r"(?:^|[.|])@([a-zA-Z][\w-]*)")


def find_missing_conditions(subject: Subject) -> Iterator[Problem]:
    """A Switch step that nothing chooses."""
    for name, node, index, step in subject.graph.steps():
        if node.router_type is RouterType.SWITCH and not step.condition:
            yield Problem(
                'without a condition the step is chosen only for a body with the key ""',
                'write one; a last step for everything else has condition: "@this"',
                name,
                index,
            )


def find_malformed_conditions(subject: Subject) -> Iterator[Problem]:
    """A condition that is not the gjson path it looks like."""
    for name, _, index, step in subject.graph.steps():
        problem = explain_syntax(step.condition) if step.condition else ""
        if problem:
            yield Problem(
                f"{step.condition!r}: {problem}; KServe takes it and it never matches as meant",
                'write a gjson path: a key, list.0, or list.#(key=="value") to compare',
                name,
                index,
            )


def find_constant_conditions(subject: Subject) -> Iterator[Problem]:
    """A condition that holds for every JSON, before the last of a Switch."""
    for name, node, index, step in subject.graph.steps():
        last = index == len(node.steps) - 1
        if not step.condition or (node.router_type is RouterType.SWITCH and last):
            continue
        if node.router_type in (RouterType.SWITCH, RouterType.SEQUENCE) and always(step.condition):
            in_switch = node.router_type is RouterType.SWITCH
            yield Problem(
                f"{step.condition!r} holds for every JSON, because only existence counts"
                + (", and no later step is ever chosen" if in_switch else ""),
                'compare in a query: list.#(key=="value")',
                name,
                index,
                None if in_switch else Severity.WARNING,
            )


def find_missing_catch_all(subject: Subject) -> Iterator[Problem]:
    """A Switch that leaves a request without an answer."""
    for name, node in subject.graph.nodes.items():
        if node.router_type is not RouterType.SWITCH or not node.steps:
            continue
        last = node.steps[-1].condition
        if not (last and always(last)):
            status = 404 if name == ROOT else 500
            yield Problem(
                f"a request for which no condition holds is answered {status} "
                '"None of the routes matched with the switch condition"',
                'add a last step with condition: "@this"',
                name,
            )


def find_conditions_at_start(subject: Subject) -> Iterator[Problem]:
    """A condition before there is an answer to test."""
    for name, node, index, step in subject.graph.steps():
        if node.router_type is RouterType.SEQUENCE and index == 0 and step.condition:
            yield Problem(
                "a Sequence tests the answer before, and the first step has none: every request is "
                'answered 500 "invalid response"',
                "move the condition to a Switch, which tests the request",
                name,
                index,
            )


def find_hidden_failures(subject: Subject) -> Iterator[Problem]:
    """An error that comes out with status 200."""
    for name, node, index, step in subject.graph.steps():
        if node.router_type is RouterType.SEQUENCE and index > 0 and step.condition:
            if node.steps[index - 1].dependency is not Dependency.HARD:
                yield Problem(
                    "where the step before answers an error and the condition does not hold, that "
                    "error's body is the answer, with status 200",
                    "make the step before dependency: Hard",
                    name,
                    index,
                )


def find_conditions_without_example(subject: Subject) -> Iterator[Problem]:
    """A condition that holds on none of the examples."""
    for name, node, index, step in subject.graph.steps():
        if step.condition and node.router_type in (RouterType.SWITCH, RouterType.SEQUENCE):
            bodies = subject.examples.values()
            if subject.examples and not any(matches(body, step.condition) for body in bodies):
                yield Problem(
                    f"{step.condition!r} holds on none of {', '.join(subject.examples)}",
                    "correct the condition, or add an example on which it holds",
                    name,
                    index,
                )


def find_untrue_matches(subject: Subject) -> Iterator[Problem]:
    """A condition that holds on an example although the value there is false or empty."""
    for name, node, index, step in subject.graph.steps():
        if not step.condition or node.router_type in (RouterType.ENSEMBLE, RouterType.SPLITTER):
            continue
        for file, body in subject.examples.items():
            value = find(body, step.condition) if matches(body, step.condition) else None
            if value and (value.kind in (Kind.NULL, Kind.FALSE) or value.raw in ('""', "0", "[]")):
                yield Problem(
                    f"{step.condition!r} holds on {file}, where the value is {value.raw}: only "
                    "existence counts",
                    'compare in a query: list.#(key==true), list.#(key!="")',
                    name,
                    index,
                )
                break


def always(condition: str) -> bool:
    """True where a condition holds for every JSON body."""
    return all(exists(body, condition) for body in _ANY_BODIES)


def explain_syntax(condition: str) -> str:
    """The mistake in a condition as a gjson path; empty where none is known."""
    if condition != condition.strip():
        return "the space around it belongs to the key"
    unclosed = _explain_brackets(condition)
    if unclosed:
        return unclosed
    if condition[0] in "{[!":
        return ""  # `condition-always` reports a multipath or a static value
    bare = _QUERY.sub("#", condition)
    for modifier in _MODIFIER.findall(bare):
        if modifier not in MODIFIER_NAMES:
            return f"there is no modifier @{modifier}{suggest(modifier, MODIFIER_NAMES)}"
    if re.search(r"(?<!\\)(?:[=!<>]=|[<>=])", bare) and "@" not in bare:
        return "a comparison is read only inside a query #(...)"
    if re.search(r"[^.|#\\]\[\d+\]", bare):
        return "an index is written .0, not [0]"
    if re.search(r"(?:^|[.|])-\d+(?:$|[.|])", bare):
        return "there is no index from the end"
    if re.fullmatch(r'"[^"]*"', bare):
        return "the quotes belong to the key"
    if re.search(r"(?:^|\.)#\|", bare):
        return "a count has nothing inside; write #.key for the key of each element"
    return ""


def _explain_brackets(condition: str) -> str:
    opened: list[str] = []
    pairs = {")": "(", "]": "[", "}": "{"}
    quoted = escaped = False
    for char in condition:
        if escaped or char == "\\":
            escaped = not escaped
        elif char == '"':
            quoted = not quoted
        elif not quoted and char in "([{":
            opened.append(char)
        elif not quoted and char in pairs and (not opened or opened.pop() != pairs[char]):
            return f"the {char} closes nothing"
    if opened:
        return f"the {opened[-1]} is not closed"
    return "a quote is not closed" if quoted else ""

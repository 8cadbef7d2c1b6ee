"""Golden cases: what passes, what fails and how it is said, what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from graph.errors import SpecError
from graph.spec.model import Dependency, Graph, Node, RouterType, Step
from graph.testing.golden import Result, read_cases, run_case

README = Path(__file__).parents[3] / "graph" / "README.md"
HARD = Dependency.HARD
GRAPH = Graph(
    "g",
    {
        "root": Node(
            RouterType.SEQUENCE,
            (
                Step(service_name="detector", dependency=HARD),
                Step(node_name="by-language", data="$response", dependency=HARD),
            ),
        ),
        "by-language": Node(
            RouterType.SWITCH,
            (
                Step(node_name="fr", condition='predictions.#(route=="fr")'),
                Step(service_name="chat", condition="@this"),
            ),
        ),
        "fr": Node(
            RouterType.SEQUENCE,
            (
                Step(
                    service_name="translate-fr-en",
                    dependency=HARD,
                    map_predictions_to_instances=True,
                ),
                Step(
                    service_name="chat",
                    data="$response",
                    dependency=HARD,
                    map_predictions_to_instances=True,
                ),
            ),
        ),
    },
)


def run(case: dict[str, Any]) -> Result:
    return run_case(GRAPH, read_cases(json.dumps([case]), "cases.yaml", GRAPH)[0])


def test_the_case_of_the_readme_passes() -> None:
    text = README.read_text(encoding="utf-8").partition("## test")[2]
    yaml_text = text.partition("```yaml\n")[2].partition("```")[0]
    (case,) = read_cases(yaml_text, "README.md", GRAPH)
    result = run_case(GRAPH, case)
    assert result.problems == ()
    assert [visit.step.target for visit in result.visits] == [
        "detector", "by-language", "fr", "translate-fr-en", "chat",
    ]  # fmt: skip


def test_each_thing_that_is_not_as_expected_is_said() -> None:
    result = run(
        {
            "request": "x",
            "services": {"detector": {"body": {"predictions": [{"route": "fr"}]}}},
            "expect": {
                "path": ["detector", "chat"],
                "status": 201,
                "body": {"predictions": []},
                "received": {"detector": "y", "chat": {"instances": []}},
            },
        }
    )
    assert result.problems == (
        "path: detector -> translate-fr-en -> chat, expected detector -> chat",
        "status: 200, expected 201",
        'body: {"predictions": [{"route": "fr"}]}, expected {"predictions": []}',
        "detector received: x, expected y",
        'chat received: {"instances":[{"route":"fr"}]}, expected {"instances": []}',
    )


def test_a_step_of_a_path_is_named_by_its_name_or_its_target() -> None:
    steps = (
        Step(name="detect", service_name="detector"),
        Step(name="rest", node_name="by-language", data="$response"),
    )
    named = Graph("g", {**GRAPH.nodes, "root": Node(RouterType.SEQUENCE, steps)})
    for path in (
        ["detect", "rest", "chat"],
        ["detector", "by-language", "chat"],
        ["detect", "chat"],
    ):
        case = {"request": {}, "expect": {"path": path}}
        assert run_case(named, read_cases(json.dumps([case]), "cases.yaml", named)[0]).passed
    case = {"request": {}, "expect": {"path": ["rest", "detect", "chat"]}}
    result = run_case(named, read_cases(json.dumps([case]), "cases.yaml", named)[0])
    assert result.problems == (
        "path: detector -> by-language -> chat, expected rest -> detect -> chat",
    )


def test_a_service_that_was_not_called() -> None:
    result = run({"request": "x", "expect": {"received": {"translate-fr-en": "x"}}})
    assert result.problems == ("translate-fr-en received nothing",)


def test_what_is_not_expected_is_not_compared() -> None:
    assert run({"request": "x", "expect": {}}).passed


def test_bodies_of_any_kind_are_compared_and_none_breaks_the_test() -> None:
    for body in ("[" * 2000 + "]" * 2000, "1" * 5000, '"\\ud800"'):
        assert run({"request": body, "expect": {"body": body}}).passed
        assert not run({"request": body, "expect": {"body": {"a": 1}}}).passed
    (case,) = read_cases("[{request: {day: 2026-01-02}, expect: {}}]", "cases.yaml", GRAPH)
    assert case.request == b'{"day": "2026-01-02"}'


def test_a_call_that_fails() -> None:
    case = {
        "request": "x",
        "services": {"detector": {"error": "connection refused"}},
        "expect": {
            "status": 500,
            "body": {"error": "Failed to process request", "cause": "connection refused"},
        },
    }
    assert run(case).passed


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "cases.yaml: not YAML"),
        ("[]", "cases.yaml: no case in it"),
        ("a: 1", "cases.yaml: must be a list, not a mapping"),
        ("[{request: x}]", "cases.yaml: [0]: expect is required"),
        ("[{request: x, expects: {}}]", '[0]: unknown field "expects"; did you mean "expect"?'),
        ("[{request: x, expect: {stats: 1}}]", 'unknown field "stats"; did you mean "status"?'),
        ("[{request: x, expect: {}, services: {chatt: {}}}]",
         '[0].services: unknown field "chatt"; did you mean "chat"?'),
        ("[{request: x, expect: {status: ok}}]", "[0].expect.status: must be a whole number"),
    ],
)  # fmt: skip
def test_cases_that_cannot_be_read(text: str, problem: str) -> None:
    with pytest.raises(SpecError) as caught:
        read_cases(text, "cases.yaml", GRAPH)
    assert problem in str(caught.value)

"""What the detector serves against the branches of a graph."""

from __future__ import annotations

import json
from typing import Any

import pytest

from graph.lint.findings import Finding, Subject, lint
from graph.lint.languages import DEFAULT_LANGUAGES
from graph.lint.rules import RULES
from graph.spec.load import load_objects
from predictors.detector.__main__ import DetectorSettings

EN_FR = ('predictions.#(route=="mixed")', 'predictions.#(route=="fr")', "@this")
MISSING, IDLE = "language-without-branch", "branch-without-language"


def findings(
    conditions: tuple[str, ...] = EN_FR,
    args: tuple[str, ...] = ("--languages=en,fr",),
    nodes: dict[str, Any] | None = None,
    **container: Any,
) -> list[Finding]:
    """What lint says of a detector and a Switch with one step for each condition."""
    branches = [{"serviceName": "chat", "condition": condition} for condition in conditions]
    graph = {
        "root": {
            "routerType": "Sequence",
            "steps": [
                {"serviceName": "detector", "dependency": "Hard"},
                {
                    "nodeName": "switch", "data": "$response", "dependency": "Hard",
                    
                },
            ],
        },
        "switch": {"routerType": "Switch", "steps": branches},
    }  # fmt: skip
    words = {"name": "c", "command": ["python", "-m", "predictors.detector"], "args": args}
    documents = [
        item("InferenceGraph", "v1alpha1", "g", {"nodes": graph | (nodes or {})}),
        item("InferenceService", "v1beta1", "detector", predictor(words | container)),
        item("InferenceService", "v1beta1", "chat", {"predictor": {}}),
    ]
    objects = load_objects("\n---\n".join(map(json.dumps, documents)), "f.yaml")
    found = lint(Subject(objects.graphs[0], objects.services), RULES)
    return [finding for finding in found if finding.rule in (MISSING, IDLE)]


def item(kind: str, version: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    api = f"serving.kserve.io/{version}"
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name}, "spec": spec}


def predictor(container: dict[str, Any]) -> dict[str, Any]:
    return {"predictor": {"containers": [container]}}


def test_a_graph_with_a_branch_for_each_language_finds_nothing() -> None:
    assert findings() == []


@pytest.mark.parametrize(
    "container",
    [
        {"args": ["--languages=en,fr,de,es"]},
        {"args": ["--languages", "en,fr, de,es"]},
        {"args": [], "env": [{"name": "PARLEY_LANGUAGES", "value": "en,fr,de,es"}]},
        {"args": ["--languages=$(SERVED)"], "env": [{"name": "SERVED", "value": "fr,en,de,es"}]},
    ],
)
def test_a_served_language_without_a_branch_is_an_error(container: dict[str, Any]) -> None:
    (found,) = findings(**container)
    assert (found.rule, found.severity, found.node) == (MISSING, "error", "switch")
    assert found.step == "steps[2]"
    assert "serves de, es, which has no branch here" in found.problem
    assert 'predictions.#(route=="de")' in found.fix


def test_a_branch_for_a_language_that_is_not_served_is_a_warning() -> None:
    (found,) = findings(('predictions.#(route=="it")', *EN_FR))
    assert (found.rule, found.severity, found.step) == (IDLE, "warning", "steps[0]")
    assert found.problem.startswith("the step is for it, but the detector serves only en, fr")


def test_a_language_for_which_no_condition_holds_is_lost() -> None:
    (found,) = findings(('predictions.#(route=="en")',))
    assert (found.rule, found.node, found.step) == (MISSING, "switch", "")
    assert found.problem == "the detector serves fr, which has no branch here: no step is chosen"


@pytest.mark.parametrize(
    "condition",
    ["predictions.#(route==fr)", 'predictions.#(language=="fr")', 'predictions.#(route!="en")',
     'predictions.#(route%"f?")#|0'],
)  # fmt: skip
def test_a_branch_may_be_written_in_any_way(condition: str) -> None:
    assert findings((condition, "@this")) == []


def test_a_catch_all_that_is_not_english_s_takes_every_language() -> None:
    conditions = ('predictions.#(route=="en")', "@this")
    assert findings(conditions, ("--languages=en,fr,de",)) == []


def test_a_branch_may_stand_in_a_switch_behind_another() -> None:
    inner = [
        {"serviceName": "chat", "condition": f'predictions.#(route=="{code}")'}
        for code in ("fr", "it")
    ]
    nodes = {
        "switch": {
            "routerType": "Switch",
            "steps": [
                {"nodeName": "inner", "condition": 'predictions.#(route!="en")'},
                {"serviceName": "chat", "condition": "@this"},
            ],
        },
        "inner": {"routerType": "Switch", "steps": inner},
    }
    assert findings(args=("--languages=en,fr,it",), nodes=nodes) == []
    (found,) = findings(args=("--languages=en,fr,it,de",), nodes=nodes)
    assert (found.rule, found.node) == (MISSING, "inner")


@pytest.mark.parametrize(
    "container",
    [
        {"command": ["python", "-m", "detector"]},
        {"args": [], "envFrom": [{"configMapRef": {"name": "x"}}]},
        {"args": [], "env": [{"name": "PARLEY_LANGUAGES", "valueFrom": {}}]},
    ],
)
def test_languages_that_are_not_known_are_not_judged(container: dict[str, Any]) -> None:
    assert findings(("@this",), **container) == []


def test_a_graph_with_a_cycle_ends() -> None:
    loop = {"nodeName": "root", "condition": "@this"}
    assert findings(nodes={"switch": {"routerType": "Ensemble", "steps": [loop, loop]}}) == []


def test_the_default_is_the_detector_s() -> None:
    assert DetectorSettings(model_name="x").languages == DEFAULT_LANGUAGES
    (found,) = findings(("@this",), ())
    assert "serves fr," in found.problem


async def test_lint_works_within_an_event_loop_as_in_a_notebook() -> None:
    assert [found.rule for found in findings(args=("--languages=en,fr,it",))] == [MISSING]

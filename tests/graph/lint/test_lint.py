"""Every lint rule finds its mistake, and a correct graph finds none."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from graph.lint.findings import Finding, Severity, Subject, lint
from graph.lint.rules import RULES
from graph.spec.load import load_objects

ROOT = Path(__file__).parents[3]
TIMEOUTS = {"serviceClient": 10, "serverWrite": 60}
EXAMPLE = b'{"predictions":[{"route":"fr"}]}'
CORRECT: dict[str, Any] = {
    "root": {
        "routerType": "Sequence",
        "steps": [
            {"serviceName": "detector", "dependency": "Hard"},
            {"nodeName": "switch", "data": "$response", "dependency": "Hard"},
        ],
    },
    "switch": {
        "routerType": "Switch",
        "steps": [
            {"nodeName": "split", "condition": 'predictions.#(route=="fr")'},
            {"nodeName": "chat", "condition": "@this"},
        ],
    },
    "chat": {
        "routerType": "Sequence",
        "steps": [
            {"serviceName": "chat", "mapPredictionsToInstances": True, "dependency": "Hard"},
            {
                "serviceName": "chat", "data": "$response", "condition": "predictions.0",
                "mapPredictionsToInstances": True, "dependency": "Hard",
            },
        ],
    },
    "split": {
        "routerType": "Splitter",
        "steps": [
            {"nodeName": "chat", "weight": 40},
            {"nodeName": "both", "weight": 60},
        ],
    },
    "both": {
        "routerType": "Ensemble",
        "steps": [
            {"serviceUrl": "http://a.n/x", "name": "a"},
            {"serviceUrl": "http://b.n/x", "name": "b"},
        ],
    },
}  # fmt: skip


def findings(
    nodes: dict[str, Any], examples: dict[str, bytes] | None = None, name: str = "g", **spec: Any
) -> list[Finding]:
    documents: list[dict[str, Any]] = [
        {
            "apiVersion": "serving.kserve.io/v1alpha1",
            "kind": "InferenceGraph",
            "metadata": {"name": name},
            "spec": {"routerTimeouts": TIMEOUTS, "nodes": nodes} | spec,
        }
    ]
    documents += [
        {
            "apiVersion": "serving.kserve.io/v1beta1",
            "kind": "InferenceService",
            "metadata": {"name": service},
            "spec": {"predictor": {}},
        }
        for service in ("detector", "chat")
    ]
    text = "\n---\n".join(map(json.dumps, documents))
    objects = load_objects(text, "f.yaml", admit=False)
    return lint(Subject(objects.graphs[0], objects.services, examples or {}), RULES)


def document(nodes: dict[str, Any]) -> str:
    """A file with a graph and nothing else."""
    return json.dumps(
        {
            "apiVersion": "serving.kserve.io/v1alpha1",
            "kind": "InferenceGraph",
            "metadata": {"name": "g"},
            "spec": {"routerTimeouts": TIMEOUTS, "nodes": nodes},
        }
    )


def sequence(*steps: dict[str, Any]) -> dict[str, Any]:
    return {"root": {"routerType": "Sequence", "steps": list(steps)}}


def switch(*steps: dict[str, Any]) -> dict[str, Any]:
    return {"root": {"routerType": "Switch", "steps": list(steps)}}


A = {"serviceUrl": "http://a.n/x", "dependency": "Hard"}
THEN = {**A, "data": "$response"}
LAST = {**A, "condition": "@this"}
V1 = {"serviceName": "chat", "dependency": "Hard"}
LOOP = {"nodeName": "root", "data": "$response", "dependency": "Hard"}
SPLIT = {"root": {"routerType": "Splitter", "steps": [{**A, "weight": 50}]}}

# For each mistake: its rule, its severity, where it is found, and the graph.
MISTAKES: list[tuple[str, Severity, str, dict[str, Any]]] = [
    ("no-root", Severity.ERROR, "", {"rot": sequence(A)["root"]}),
    ("step-name-twice", Severity.ERROR, "s", sequence({**A, "name": "s"}, {**THEN, "name": "s"})),
    ("one-target", Severity.ERROR, "steps[0]", sequence({})),
    ("one-target", Severity.ERROR, "steps[0]", sequence({**A, "serviceName": "chat"})),
    ("weights", Severity.ERROR, "", SPLIT),
    ("weights", Severity.ERROR, "steps[0]", {"root": {"routerType": "Splitter", "steps": [A]}}),
    ("dangling-node", Severity.ERROR, "steps[0]", sequence({"nodeName": "rot"})),
    ("cycle", Severity.ERROR, "steps[1]", sequence(A, LOOP)),
    ("cycle", Severity.WARNING, "steps[1]", sequence(A, {**LOOP, "condition": "again"})),
    ("unreachable-node", Severity.WARNING, "", sequence(A) | {"island": sequence(A)["root"]}),
    ("empty-node", Severity.ERROR, "", sequence()),
    ("empty-node", Severity.ERROR, "", {"root": {"routerType": "Ensemble"}}),
    ("unknown-service", Severity.ERROR, "steps[0]", sequence({"serviceName": "chatt"})),
    ("service-url", Severity.ERROR, "steps[0]", sequence({"serviceUrl": "a.n/x"})),
    ("ensemble-key", Severity.ERROR, "steps[1]",
     {"root": {"routerType": "Ensemble", "steps": [{**A, "name": "1"}, A]}}),
    ("ignored-field", Severity.WARNING, "steps[0]", sequence({**A, "weight": 5})),
    ("ignored-field", Severity.WARNING, "steps[0]",
     {"root": {"routerType": "Ensemble", "steps": [{**A, "condition": "x"}]}}),
    ("ignored-field", Severity.WARNING, "steps[0]", switch({**LAST, "data": "$response"})),
    ("ignored-field", Severity.WARNING, "steps[0]",
     switch({**LAST, "mapPredictionsToInstances": True})),
    ("condition-missing", Severity.ERROR, "steps[0]", switch(A, LAST)),
    ("condition-syntax", Severity.ERROR, "steps[0]", switch({**A, "condition": 'a=="x"'}, LAST)),
    ("condition-always", Severity.ERROR, "steps[0]",
     switch({**A, "condition": "{ .input.userId == 1 }"}, LAST)),
    ("condition-always", Severity.WARNING, "steps[1]", sequence(A, {**A, "condition": "!true"})),
    ("no-catch-all", Severity.WARNING, "", switch({**A, "condition": "x"})),
    ("condition-at-start", Severity.ERROR, "steps[0]", sequence({**A, "condition": "x"})),
    ("condition-hides-failure", Severity.WARNING, "steps[1]",
     sequence({**A, "dependency": "Soft"}, {**A, "condition": "x"})),
    ("data-value", Severity.ERROR, "steps[1]", sequence(A, {**A, "data": "$response.predictions"})),
    ("response-at-start", Severity.WARNING, "steps[0]", sequence({**A, "data": "$response"})),
    ("answer-unused", Severity.WARNING, "steps[1]", sequence(A, A)),
    ("answer-unused", Severity.WARNING, "steps[1]", sequence(A, {**A, "data": "$request"})),
    ("soft-feeds-next", Severity.WARNING, "steps[0]",
     sequence({"serviceUrl": "http://a.n/x"}, {**A, "data": "$response"})),
    ("response-without-map", Severity.ERROR, "steps[1]", sequence(V1, {**V1, "data": "$response"})),
]  # fmt: skip


def test_a_correct_graph_finds_nothing() -> None:
    assert findings(CORRECT, {"answer.json": EXAMPLE}) == []


@pytest.mark.parametrize(
    ("rule", "severity", "step", "nodes"), MISTAKES, ids=[mistake[0] for mistake in MISTAKES]
)
def test_a_rule_finds_its_mistake_and_nothing_else(
    rule: str, severity: Severity, step: str, nodes: dict[str, Any]
) -> None:
    (found,) = findings(nodes)
    assert (found.rule, found.severity, found.step) == (rule, severity, step)
    assert found.file == "f.yaml"
    assert found.problem and found.fix


def test_a_name_that_the_webhook_refuses() -> None:
    (found,) = findings(sequence(A), name="1a")
    assert found.rule == "graph-name"


def test_a_nodes_input_is_followed_to_the_service() -> None:
    nodes = sequence(V1, {"nodeName": "n", "data": "$response", "dependency": "Hard"})
    nodes["n"] = sequence(V1)["root"]
    (found,) = findings(nodes)
    assert (found.rule, found.node, found.step) == ("response-without-map", "n", "steps[0]")


def test_a_missing_time_out() -> None:
    (found,) = findings(sequence(A), routerTimeouts={"serverWrite": 5})
    assert (found.rule, found.node) == ("no-timeout", "")


def test_a_time_out_that_is_too_short_for_the_longest_chain() -> None:
    timeouts = {"serviceClient": 10, "serverWrite": 29}
    (found,) = findings(CORRECT, routerTimeouts=timeouts)
    assert found.rule == "short-timeout"
    assert found.problem.startswith("3 calls in a row may take 30 s")


def test_a_service_is_only_a_warning_where_the_files_define_none() -> None:
    objects = load_objects(document(sequence(V1)), "f.yaml")
    (found,) = lint(Subject(objects.graphs[0]), RULES)
    assert (found.rule, found.severity) == ("unknown-service", Severity.WARNING)


def test_a_condition_that_holds_on_no_example() -> None:
    nodes = switch({**A, "condition": 'predictions.#(route=="it")'}, LAST)
    (found,) = findings(nodes, {"answer.json": EXAMPLE})
    assert (found.rule, found.severity) == ("condition-example", Severity.ERROR)
    assert "answer.json" in found.problem


def test_a_condition_that_holds_because_something_false_is_there() -> None:
    nodes = switch({**A, "condition": "urgent"}, LAST)
    (found,) = findings(nodes, {"request.json": b'{"urgent":false}'})
    assert (found.rule, found.severity) == ("condition-existence", Severity.WARNING)


def test_a_service_that_runs_elsewhere_is_not_unknown() -> None:
    objects = load_objects(document(sequence({**V1, "serviceName": "far"})), "f.yaml")
    subject = Subject(objects.graphs[0], elsewhere=["far"])
    assert lint(subject, RULES) == []


POD = """
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: pod}
spec:
  predictor:
    containers:
      - name: kserve-container
        command: [python, -m, predictors.colocated]
        args: [predictors.chat, --model_name=chat, predictors.translator, --model_name, $(NAME)]
        env: [{name: NAME, value: to-french}]
"""


@pytest.mark.parametrize(
    ("step", "found"),
    [
        ({"serviceUrl": "http://pod-predictor.n.svc.cluster.local/v1/models/chat:predict"}, []),
        ({"serviceUrl": "http://pod-predictor/v1/models/to-french:predict"}, []),
        ({"serviceUrl": "http://pod-predictor.n/v1/models/chatt:predict"}, ["unknown-model"]),
        ({"serviceName": "pod"}, ["unknown-model"]),
        # Of another service and of another namespace nothing is known.
        ({"serviceUrl": "http://other-predictor.n/v1/models/chatt:predict"}, []),
    ],
)
def test_a_model_that_its_service_does_not_serve(step: dict[str, Any], found: list[str]) -> None:
    text = f"{document(sequence(step))}\n---{POD}"
    objects = load_objects(text, "f.yaml")
    (graph,) = objects.graphs
    assert [each.rule for each in lint(Subject(graph, objects.services), RULES)] == found


def test_without_data_response_every_answer_of_the_chat_is_unused() -> None:
    text = (ROOT / "manifests" / "base" / "graph.yaml").read_text()
    cut = re.sub(r"\n +data: \$response", "", text)
    found = lint(Subject(load_objects(cut, "graph.yaml").graphs[0]), RULES)
    unused = [(f.node, f.step) for f in found if f.rule == "answer-unused"]
    removed = text.count("data: $response")
    assert (len(unused), removed) == (5, 5)
    assert ("fr", "translate-en-fr") in unused


def test_our_own_manifests_find_nothing() -> None:
    for folder in ("manifests/base", "manifests", "manifests/translator"):
        texts = [(path.read_text(), str(path)) for path in (ROOT / folder).glob("*.yaml")]
        loaded = [load_objects(*text) for text in texts if "kind: Kustomization" not in text[0]]
        services = [service for objects in loaded for service in objects.services]
        graphs = [graph for objects in loaded for graph in objects.graphs]
        assert graphs, folder
        assert [lint(Subject(graph, services), RULES) for graph in graphs] == [[]] * len(graphs)


# Rules that a graph alone does not break; each has a test of its own.
TESTED_APART = {
    "graph-name", "unknown-model", "no-timeout", "short-timeout", "condition-example",
    "condition-existence", "language-without-branch", "branch-without-language",
    "language-without-translator",
}  # fmt: skip


def test_every_rule_has_a_name_of_its_own_and_a_mistake() -> None:
    names = [rule.name for rule in RULES]
    assert len(set(names)) == len(names)
    assert {mistake[0] for mistake in MISTAKES} | TESTED_APART == set(names)


def test_the_readme_lists_every_rule_with_its_severity() -> None:
    text = (ROOT / "graph" / "README.md").read_text(encoding="utf-8")
    table = text.partition("| rule |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| (`[^|]*`) \| (\w+)", table, re.MULTILINE)
    listed = [
        (name, severity) for names, severity in rows for name in names.strip("`").split("` `")
    ]
    assert listed == [(rule.name, rule.severity) for rule in RULES]

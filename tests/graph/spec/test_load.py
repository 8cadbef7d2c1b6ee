"""Reading InferenceGraphs: what comes out, and the line that a user sees for what does not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from graph.errors import SpecError
from graph.spec.documents import read_documents
from graph.spec.load import choose_graph, load_objects
from graph.spec.model import Dependency, Graph, RouterType

NODES = {"root": {"routerType": "Sequence", "steps": [{"serviceName": "a"}]}}


def document(nodes: Any = None, name: str = "g", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "serving.kserve.io/v1alpha1",
        "kind": "InferenceGraph",
        "metadata": {"name": name},
        "spec": {"nodes": NODES if nodes is None else nodes, **spec},
    }


def load(tree: Any) -> Graph:
    return load_objects(json.dumps(tree), "f.yaml").graphs[0]


def refusal(tree: Any) -> str:
    with pytest.raises(SpecError) as caught:
        load_objects(tree if isinstance(tree, str) else json.dumps(tree), "f.yaml")
    return str(caught.value)


def test_every_field_of_a_step_is_read() -> None:
    step = {
        "name": "s", "nodeName": "n", "data": "$response", "condition": "a", "weight": 100,
        "dependency": "Hard", "mapPredictionsToInstances": True,
    }  # fmt: skip
    nodes = {"root": {"routerType": "Splitter", "steps": [step]}, "n": NODES["root"]}
    read = load(document(nodes)).nodes["root"].steps[0]
    assert (read.name, read.target, read.data, read.condition) == ("s", "n", "$response", "a")
    assert (read.weight, read.dependency) == (100, Dependency.HARD)
    assert read.map_predictions_to_instances


def test_what_is_left_out_has_kserves_defaults() -> None:
    graph = load(document())
    step = graph.nodes["root"].steps[0]
    assert (step.dependency, step.weight, step.condition) == (Dependency.SOFT, None, "")
    timeouts = graph.timeouts
    assert (timeouts.server_read, timeouts.server_write, timeouts.server_idle) == (60, 60, 180)
    assert timeouts.service_client is None


def test_router_timeouts_are_read() -> None:
    graph = load(document(routerTimeouts={"serverRead": 0, "serviceClient": 5}))
    assert (graph.timeouts.server_read, graph.timeouts.service_client) == (0, 5)
    assert graph.timeouts.server_write == 60


def test_several_documents_and_lists_and_other_kinds() -> None:
    service = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": "a"},
        "spec": {"predictor": {"containers": [{"name": "c"}]}},
    }
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}}
    items = {"apiVersion": "v1", "kind": "List", "items": [service, space]}
    text = "---\n".join(json.dumps(tree) + "\n" for tree in (document(), items)) + "---\n"
    objects = load_objects(text, "f.yaml")
    assert [graph.name for graph in objects.graphs] == ["g"]
    assert [service.name for service in objects.services] == ["a"]
    assert objects.others == ("Namespace/n",)


def test_the_order_of_nodes_is_kept() -> None:
    nodes = {name: NODES["root"] for name in ("z", "root", "a")}
    assert list(load(document(nodes)).nodes) == ["z", "root", "a"]


def test_weights_may_be_written_as_whole_floats() -> None:
    step = {"serviceName": "a", "weight": 100.0}
    graph = load(document({"root": {"routerType": "Splitter", "steps": [step]}}))
    assert graph.nodes["root"].router_type is RouterType.SPLITTER
    assert graph.nodes["root"].steps[0].weight == 100


@pytest.mark.parametrize(
    ("step", "problem"),
    [
        ({"serviceNam": "a"}, 'steps[0]: unknown field "serviceNam"; did you mean "serviceName"?'),
        ({"Condition": "a"}, 'unknown field "Condition"; did you mean "condition"?'),
        ({"zzz": 1}, 'steps[0]: unknown field "zzz"'),
        ({"serviceName": 1}, "steps[0].serviceName: must be text, not a number; put it in quotes"),
        ({"weight": "50"}, "steps[0].weight: must be a whole number, not text"),
        ({"weight": 1.5}, "steps[0].weight: must be a whole number, not a number"),
        ({"weight": True}, "steps[0].weight: must be a whole number, not a boolean"),
        ({"dependency": "hard"}, 'steps[0].dependency: unsupported value "hard", supported are'),
        ({"condition": "\ud800"}, "steps[0].condition: names half a character by an escape"),
        ({"data": None}, "steps[0].data: must be text, not empty"),
        ({"mapPredictionsToInstances": "yes"}, "must be true or false, not text"),
    ],
)
def test_a_step_that_the_api_server_refuses(step: dict[str, Any], problem: str) -> None:
    nodes = {"root": {"routerType": "Sequence", "steps": [{"serviceName": "a"} | step]}}
    assert refusal(document(nodes)).startswith("f.yaml: InferenceGraph/g: spec.nodes.root.")
    assert problem in refusal(document(nodes))


@pytest.mark.parametrize(
    ("nodes", "reason"),
    [
        ({"rot": NODES["root"]}, "root node not found, InferenceGraph needs a node with name"),
        ({"root": {"routerType": "Sequence", "steps": [{}]}},
         'Step 0 ("") in node "root" of InferenceGraph "g" does not specify an inference target'),
        ({"root": {"routerType": "Sequence", "steps": [{"name": "s", "serviceName": "a",
                                                        "serviceUrl": "http://b"}]}},
         'Step 0 ("s") in node "root" of InferenceGraph "g" specifies more than one of nodeName, '),
        ({"root": {"routerType": "Sequence", "steps": [{"name": "s", "serviceName": "a"}] * 2}},
         'Node "root" of InferenceGraph "g" contains more than one step with name "s"'),
        ({"root": {"routerType": "Splitter", "steps": [{"serviceName": "a"}]}},
         "InferenceGraph[g] Node[root] Route[a] missing the 'Weight'"),
        ({"root": {"routerType": "Splitter", "steps": [{"serviceName": "a", "weight": 99}]}},
         "the sum of traffic weights for all routing targets should be 100"),
        ({"root": {"routerType": "Splitter"}},
         "the sum of traffic weights for all routing targets should be 100"),
    ],
)  # fmt: skip
def test_a_graph_that_the_webhook_refuses(nodes: dict[str, Any], reason: str) -> None:
    assert reason in refusal(document(nodes))


@pytest.mark.parametrize("name", ["", "Graph", "1a", "a-", "a.b", "a\n"])
def test_a_name_that_the_webhook_refuses(name: str) -> None:
    assert f'The InferenceGraph "{name}" is invalid' in refusal(document(name=name))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "f.yaml: no Kubernetes object in it"),
        ("a: [", "f.yaml: not YAML: line 1, column 5"),
        ("a: 1\nb: 2\na: 3", 'f.yaml: not YAML: line 3, column 1: the key "a" is given twice'),
        ("- 1", "f.yaml: document 1: must be a mapping, not a list"),
        ("kind: Pod", "f.yaml: document 1: is not a Kubernetes object: it has no apiVersion"),
        ("apiVersion: v1\nkind: 3", "document 1.kind: must be text"),
        ("a: &x [1]\nb: !!python/name:os.system x", "f.yaml: not YAML: line 2"),
        ("\x00", "f.yaml: not YAML"),
        ("a: !!int x", "f.yaml: not YAML of a Kubernetes object: invalid literal"),
        ("a: !!float", "f.yaml: not YAML of a Kubernetes object: a value does not fit its tag"),
        ("a: !!bool x", "f.yaml: not YAML of a Kubernetes object: a value does not fit its tag"),
        (
            "a: !!timestamp x",
            "f.yaml: not YAML of a Kubernetes object: a value does not fit its tag",
        ),
        ("[" * 5000, "f.yaml: not YAML"),
    ],
)
def test_a_text_that_is_no_object(text: str, problem: str) -> None:
    line = refusal(text)
    assert line.replace(": kind", ".kind").startswith(problem.partition("document 1.kind")[0])
    assert "\n" not in line


def test_a_wrong_version_or_kind_is_named() -> None:
    assert 'write "serving.kserve.io/v1alpha1"' in refusal(document() | {"apiVersion": "v1"})
    wrong = document() | {"kind": "InferenceGraf"}
    assert 'unknown kind "InferenceGraf"; did you mean "InferenceGraph"?' in refusal(wrong)


def test_a_file_of_aliases_is_refused_before_it_is_written_out() -> None:
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40)]
    with pytest.raises(SpecError, match="f.yaml: stands for more than 1,000,000 values"):
        read_documents("\n".join(lines), "f.yaml")
    assert read_documents("apiVersion: v1\nkind: &k ConfigMap\nb: *k", "f.yaml")


def test_an_anchor_around_its_own_alias_is_refused() -> None:
    with pytest.raises(SpecError, match="f.yaml: an anchor stands around an alias of itself"):
        read_documents("kind: x\nspec: &a {again: *a}", "f.yaml")


def test_an_object_that_stands_twice() -> None:
    text = json.dumps(document()) + "\n---\n" + json.dumps(document())
    line = "f.yaml: InferenceGraph/g: is defined twice in this file; rename or remove one"
    assert refusal(text) == line


def test_a_date_is_text_as_it_is_for_the_api_server() -> None:
    text = json.dumps(document()).replace('"g"', "g, labels: {day: 2026-13-01}")
    assert load_objects(text, "f.yaml").graphs[0].labels == {"day": "2026-13-01"}


def test_a_graph_is_chosen_by_name_where_there_are_several() -> None:
    text = json.dumps(document()) + "\n---\n" + json.dumps(document(name="h"))
    objects = load_objects(text, "f.yaml")
    assert choose_graph(objects, "f.yaml", "h").name == "h"
    with pytest.raises(SpecError, match="holds 2 InferenceGraphs; choose one of"):
        choose_graph(objects, "f.yaml")
    with pytest.raises(SpecError, match='holds no InferenceGraph "x"'):
        choose_graph(objects, "f.yaml", "x")

"""A flow in Python becomes the nodes that one would write by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from graph.compose import (
    application,
    chat,
    detector,
    ensemble,
    sequence,
    splitter,
    step,
    switch,
    translator,
)
from graph.errors import SpecError

ROOT = Path(__file__).parents[3]
SMALL = "embedded:gemma3-270m"
ANSWERING = chat("embedded:smollm2-135m-instruct")
FRENCH = sequence(translator("fr", "en", SMALL), ANSWERING, translator("en", "fr", SMALL))


def nodes(flow):
    """The nodes of a flow, each as its steps, a step as a short text."""
    made = application("g", flow)
    found = next(body for body in made.objects if body["kind"] == "InferenceGraph")
    return {
        name: [node["routerType"], *map(short, node["steps"])]
        for name, node in found["spec"]["nodes"].items()
    }


def short(step):
    """Name, target, what it receives, and when; `dependency` is always Hard."""
    assert step["dependency"] == "Hard"
    target = step.get("serviceName") or step.get("serviceUrl") or f"[{step['nodeName']}]"
    words = [step["name"], target, "mapped" if "mapPredictionsToInstances" in step else ""]
    words += [step.get("data", ""), step.get("condition", ""), str(step.get("weight", ""))]
    return " ".join(filter(None, words))


def test_the_chat_is_the_graph_of_the_manifests():
    by_language = switch(
        {"mixed": FRENCH, "fr": FRENCH},
        on="route",
        otherwise=sequence(ANSWERING, name="en"),
        name="by-language",
    )
    flow = sequence(step(detector("fr"), name="detect"), by_language)
    made = application("multilingual-chat", flow, namespace="parley")
    text = (ROOT / "manifests" / "base" / "graph.yaml").read_text()
    *_, written = yaml.safe_load_all(made.to_yaml())
    assert written == yaml.safe_load(text)


def test_a_step_of_a_sequence_takes_the_answer_before_and_the_first_one_the_request():
    assert nodes(sequence("a", "b")) == {"root": ["Sequence", "a a", "b b mapped $response"]}


def test_a_service_in_a_switch_after_an_answer_gets_a_sequence_that_maps_it():
    flow = sequence("a", switch({"x": "b"}, on="kind", otherwise="c", name="choose"))
    assert nodes(flow) == {
        "root": ["Sequence", "a a", "choose [choose] $response"],
        "choose": [
            "Switch",
            'x [x] predictions.#(kind=="x")',
            "otherwise [otherwise] @this",
        ],
        "x": ["Sequence", "b b mapped"],
        "otherwise": ["Sequence", "c c mapped"],
    }


def test_a_switch_on_the_request_calls_services_itself():
    assert nodes(switch({"x": "b", "y": "b"}, on="kind", otherwise="c")) == {
        "root": [
            "Switch",
            'x b instances.#(kind=="x")',
            'y b instances.#(kind=="y")',
            "otherwise c @this",
        ]
    }


def test_a_branch_may_be_named_by_a_condition():
    flow = switch({"instances.#(length>5)": sequence("a", "b"), "@this": "c"})
    assert nodes(flow)["root"] == [
        "Switch",
        "branch-1 [branch-1] instances.#(length>5)",
        "branch-2 c @this",
    ]


def test_what_hands_its_input_on_is_handed_instances():
    both = ensemble({"left": "b", "right": sequence("c", "d")}, name="both")
    assert nodes(sequence("a", both)) == {
        "root": ["Sequence", "a a", "both [both] mapped $response"],
        "both": ["Ensemble", "left b", "right [right]"],
        "right": ["Sequence", "c c", "d d mapped $response"],
    }


def test_a_splitter_divides_by_weight_and_its_answer_is_mapped():
    shares = splitter((90, "b"), (10, "c"), name="canary")
    assert nodes(sequence("a", shares, "d"))["canary"] == ["Splitter", "b b 90", "c c 10"]
    assert nodes(sequence(shares, "d"))["root"] == [
        "Sequence", "canary [canary]", "d d mapped $response",
    ]  # fmt: skip


def test_the_answer_of_an_ensemble_is_handed_on_as_it_is():
    flow = sequence(ensemble({"x": "a", "y": "b"}), "c")
    assert nodes(flow)["root"] == ["Sequence", "ensemble [ensemble]", "c c $response"]


def test_a_step_may_have_a_name_and_a_condition_and_a_service_a_url():
    url = "http://elsewhere/v1/models/b:predict"
    flow = sequence("a", step(url, name="far", condition="predictions.#(ok=1)"))
    assert nodes(flow)["root"] == [
        "Sequence", "a a", f"far {url} mapped $response predictions.#(ok=1)",
    ]  # fmt: skip


def test_a_flow_that_is_used_twice_is_one_node():
    twice = sequence("b", "c", name="twice")
    found = nodes(sequence("a", switch({"x": twice, "y": twice}, on="k", otherwise=twice)))
    assert list(found) == ["root", "switch", "twice"]
    assert [words.split()[0] for words in found["switch"][1:]] == ["x", "y", "twice"]


def test_the_longest_way_has_the_time_for_every_call():
    made = application("g", sequence(*"abcdef"))
    assert made.graph is not None and made.graph.timeouts.server_write == 360


@pytest.mark.parametrize(
    ("flow", "words"),
    [
        (
            lambda: sequence(sequence("a", name="x"), sequence("b", name="x")),
            'two nodes are called "x"',
        ),
        (lambda: sequence(chat("a"), chat("b")), 'two services are called "chat"'),
        (lambda: sequence("a", "a"), 'more than one step with name "a"'),
        (lambda: sequence(), "a Sequence without steps"),
        (lambda: switch({'"': "a"}, on="kind"), "a value without quotes; for anything else"),
        (lambda: switch({"x": "a"}, on="a[0]"), "write the name of a field"),
        (lambda: switch({"x": step("a", name="b")}, on="k"), "stands in a sequence"),
        (
            lambda: sequence(ensemble({"x": "a"}), switch({"x": "b"}, on="k")),
            "has neither instances nor predictions",
        ),
        (lambda: switch({"lang==1": "a"}), "read only inside a query"),
        (lambda: splitter((50, "a"), (10, "b")), "should be 100"),
        (lambda: sequence(7), "a step of type int: is nothing that a graph can call"),
        (lambda: sequence({"kind": "Pod"}), "is nothing that a graph can call"),
        (lambda: sequence(step("a", condition="x"), "b"), "the first step has none"),
    ],
)
def test_what_would_fail_is_refused_when_it_is_made(flow, words):
    with pytest.raises(SpecError, match=words):
        application("g", flow())

"""What a graph says of its own steps."""

from __future__ import annotations

from graph.spec.model import Graph, Node, RouterType, Step

GRAPH = Graph(
    "g",
    {
        "root": Node(RouterType.SEQUENCE, (Step(service_name="b"), Step(node_name="n"))),
        "n": Node(
            RouterType.SWITCH,
            (Step(service_url="http://x/"), Step(service_name="a"), Step(service_name="b")),
        ),
    },
)


def test_the_targets_are_the_services_and_urls_in_the_order_of_the_steps() -> None:
    assert GRAPH.targets() == ["b", "http://x/", "a"]
    assert GRAPH.service_names() == ["b", "a"]


def test_every_step_is_named_by_its_node_and_index() -> None:
    named = [(name, index) for name, _, index, _ in GRAPH.steps()]
    assert named == [("root", 0), ("root", 1), ("n", 0), ("n", 1), ("n", 2)]

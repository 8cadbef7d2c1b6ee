"""Mermaid text and the description of a walk."""

from __future__ import annotations

import re

from graph.picture import describe_walk, draw, walk_as_dict
from graph.router.walk import Visit, route
from graph.spec.model import Dependency, Graph, Node, RouterType, Step
from graph.testing.stubs import Played, Stubs

GRAPH = Graph(
    "g",
    {
        "root": Node(
            RouterType.SEQUENCE,
            (
                Step(name="detect", service_name="detector", dependency=Dependency.HARD),
                Step(node_name="sw", data="$response", map_predictions_to_instances=True),
                Step(node_name="gone", condition='a.#(b=="<c>")#'),
            ),
        ),
        "sw": Node(RouterType.SWITCH, (Step(service_url="http://a/x", condition="@this"),)),
        "sp": Node(RouterType.SPLITTER, (Step(node_name="en", weight=100),)),
        "en": Node(RouterType.ENSEMBLE, (Step(name="one", service_name="detector"),)),
    },
)


def test_the_picture_of_every_kind_of_node() -> None:
    assert draw(GRAPH) == "\n".join(
        [
            "flowchart TD",
            '  client(("client")) --> n_root',
            '  n_root["root<br/>Sequence"]',
            '  n_root -->|"1. detect"| s0',
            '  n_root -->|"2.<br/>$response<br/>mapped<br/>Soft"| n1',
            '  n_root -->|"3.<br/>if a.#35;(b==#34;#60;c#62;#34;)#35;<br/>Soft"| missing',
            '  n1{"sw<br/>Switch"}',
            '  n1 -->|"0<br/>if @this"| s1',
            '  n2[/"sp<br/>Splitter"/]',
            '  n2 -->|"0<br/>100%<br/>Soft"| n3',
            '  n3[["en<br/>Ensemble"]]',
            '  n3 -->|"one<br/>Soft"| s0',
            '  s0(["detector"])',
            '  s1(["http://a/x"])',
            '  missing["no such node"]',
        ]
    )


def test_no_label_can_break_out_of_its_quotes() -> None:
    step = Step(name='"|]\n`;&', service_name="a b")
    drawn = draw(Graph("g", {"root": Node(RouterType.SEQUENCE, (step,))}))
    (label,) = re.findall(r'-->\|"(.*)"\| s0', drawn)
    assert not set(label.replace("<br/>", "")) & set('"|]`&<>')


async def walk(request: bytes) -> tuple[list[Visit], str]:
    visits: list[Visit] = []
    stubs = Stubs({"http://a/x": [Played(error="no luck")]})
    answer = await route(GRAPH, request, (), stubs.call, watch=visits.append)
    return visits, describe_walk(visits, answer)


async def test_a_walk_is_told_in_the_order_of_its_steps() -> None:
    _, text = await walk(b'{"instances":[1]}')
    assert text == "\n".join(
        [
            "root / detect -> detector",
            '  received  {"instances":[1]}',
            '  answered  200 {"predictions": [1]}',
            "root / steps[1] -> sw",
            '  received  {"instances":[1]}',
            "  failed    no luck",
            "  sw / steps[0] -> http://a/x",
            '    received  {"instances":[1]}',
            "    failed    no luck",
            "answer  500 application/json",
            '  {"error":"Failed to process request","cause":"no luck"}',
        ]
    )


async def test_the_time_of_a_step_is_told_where_it_is_asked_for() -> None:
    visits, _ = await walk(b'{"instances":[1]}')
    answer = visits[0].answer
    assert answer is not None
    assert re.match(r"root / detect -> detector  \d\.\d\d s\n", describe_walk(visits, answer, True))
    [first, *_] = walk_as_dict(visits, answer, timed=True)["steps"]
    assert 0 <= first["seconds"] < 5


async def test_a_long_body_is_shortened_in_text_and_whole_in_json() -> None:
    body = b'{"instances":["' + b"x" * 1000 + b'"]}'
    visits, text = await walk(body)
    assert f"... ({len(body)} bytes)" in text
    answer = visits[0].answer
    assert answer is not None
    tree = walk_as_dict(visits, answer)
    assert tree["steps"][0]["received"] == {"instances": ["x" * 1000]}
    assert [step.get("error") for step in tree["steps"]] == [None, "no luck", "no luck"]

"""The hostile requests, through the graph: each is answered as it should be, and none does harm."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from graph.local.build import LocalGraph
from tests.application.hostile import HOSTILE
from tests.fakes import embedded_graph, predictors


@pytest.fixture(scope="module")
def graph() -> Iterator[LocalGraph]:
    yield embedded_graph(predictors(lambda text: "Yes."))


@pytest.mark.parametrize(
    ("body", "status"), [(b, s) for _, b, s in HOSTILE], ids=[name for name, _, _ in HOSTILE]
)
async def test_a_hostile_request_is_answered_as_it_should_be(
    graph: LocalGraph, body: bytes, status: int
) -> None:
    answer = await graph.route(body, [])
    assert answer.status == status, answer.body[:200]
    plain = await graph.route(b'{"instances": [{"user_input": "Hello there"}]}', [])
    assert json.loads(plain.body)["predictions"][0]["response"] == "Yes."


async def test_too_many_lines_are_refused_by_the_first_step_with_the_field_and_the_figure(
    graph: LocalGraph,
) -> None:
    [body] = [body for name, body, _ in HOSTILE if name == "1,250 lines of a word"]
    answer = await graph.route(body, [])
    assert answer.status == 413
    assert json.loads(answer.body)["error"] == (
        "instances[0].user_input: 1250 lines and sentences, at most 250 are taken; send it in parts"
    )

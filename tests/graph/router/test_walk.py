"""The walk itself, its network an argument. What KServe answers is held in tests/conformance."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from graph.asgi import Answer
from graph.errors import StepError
from graph.router.walk import Headers, Visit, choose_by_weight, route
from graph.spec.model import Dependency, Graph, Node, RouterType, Step
from graph.testing.stubs import Played, Stubs


def sequence(*steps: Step) -> Graph:
    return Graph("g", {"root": Node(RouterType.SEQUENCE, steps)})


async def test_a_soft_step_keeps_the_error_body() -> None:
    stubs = Stubs({"a": [Played(503, b'{"e":1}')]})
    graph = sequence(Step(service_name="a"), Step(service_name="b", data="$response"))
    answer = await route(graph, b"{}", None, stubs.call)
    assert stubs.received == [("a", b"{}"), ("b", b'{"e":1}')]
    assert answer == Answer(200, b'{"e":1}', "application/json")


async def test_a_call_without_an_answer_ends_the_walk() -> None:
    stubs = Stubs({"a": [Played(error="no luck")]})
    answer = await route(
        sequence(Step(service_name="a"), Step(service_name="b")), b"", (), stubs.call
    )
    assert answer.status == 500
    assert answer.body == b'{"error":"Failed to process request","cause":"no luck"}'
    assert [target for target, _ in stubs.received] == ["a"]


async def test_an_error_of_our_own_is_not_hidden() -> None:
    async def broken(step: Step, body: bytes, headers: Headers) -> Answer:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await route(sequence(Step(service_name="a")), b"", (), broken)


async def test_headers_reach_every_call() -> None:
    seen: list[Headers] = []

    async def call(step: Step, body: bytes, headers: Headers) -> Answer:
        seen.append(headers)
        return Answer(200)

    await route(sequence(Step(service_name="a"), Step(service_name="b")), b"", [("A", "1")], call)
    assert seen == [[("A", "1")]] * 2


async def test_a_watcher_sees_the_steps_in_their_order() -> None:
    inner = Node(RouterType.SEQUENCE, (Step(service_name="a", name="x"),))
    steps = (Step(node_name="inner"), Step(service_name="b"))
    graph = Graph("g", {"root": Node(RouterType.SEQUENCE, steps), "inner": inner})
    visits: list[Visit] = []
    await route(graph, b"1", (), Stubs().call, watch=visits.append)
    ordered = sorted(visits, key=lambda visit: visit.order)
    assert [(v.depth, v.node, v.step.target) for v in ordered] == [
        (0, "root", "inner"), (1, "inner", "a"), (0, "root", "b"),
    ]  # fmt: skip
    assert [visit.request for visit in ordered] == [b"1"] * 3


async def test_a_watcher_sees_what_failed() -> None:
    visits: list[Visit] = []
    stubs = Stubs({"a": [Played(error="no luck")]})
    await route(sequence(Step(service_name="a")), b"1", (), stubs.call, watch=visits.append)
    assert [(visit.answer, visit.error) for visit in visits] == [(None, "no luck")]


async def test_branches_of_an_ensemble_run_side_by_side() -> None:
    both = asyncio.Barrier(2)

    async def call(step: Step, body: bytes, headers: Headers) -> Answer:
        await both.wait()
        return Answer(200, b"{}")

    steps = (Step(service_name="a"), Step(service_name="b"))
    graph = Graph("g", {"root": Node(RouterType.ENSEMBLE, steps)})
    async with asyncio.timeout(10):
        answer = await route(graph, b"", (), call)
    assert answer.body == b'{"0":{},"1":{}}'


async def test_no_branch_is_left_behind_when_another_fails() -> None:
    ended: list[str] = []

    async def call(step: Step, body: bytes, headers: Headers) -> Answer:
        if step.service_name == "bad":
            raise StepError("no luck")
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(step.service_name)
        return Answer(200)

    steps = (Step(service_name="slow"), Step(service_name="bad"))
    graph = Graph("g", {"root": Node(RouterType.ENSEMBLE, steps)})
    answer = await route(graph, b"", (), call)
    assert (answer.status, ended) == (500, ["slow"])


async def test_a_cancelled_walk_cancels_its_calls() -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    async def call(step: Step, body: bytes, headers: Headers) -> Answer:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return Answer(200)

    steps = (Step(service_name="a", dependency=Dependency.HARD),)
    graph = Graph("g", {"root": Node(RouterType.ENSEMBLE, steps)})
    walk = asyncio.create_task(route(graph, b"", (), call))
    await began.wait()
    walk.cancel()
    with pytest.raises(asyncio.CancelledError):
        await walk
    assert ended.is_set()


@pytest.mark.parametrize(
    ("weights", "shares"),
    [([20, 80], [20, 80]), ([0, 100], [0, 100]), ([150, -50], [100, 0]), ([-50, 150], [0, 100]),
     ([50, -20, 70], [50, 0, 50]), ([34, 33, 33], [34, 33, 33])],
)  # fmt: skip
def test_every_draw_of_a_splitter(weights: list[int], shares: list[int]) -> None:
    chosen = [choose_by_weight(weights, point) for point in range(100)]
    assert [chosen.count(index) for index in range(len(weights))] == shares


async def test_a_splitter_takes_the_step_that_is_drawn() -> None:
    steps = (Step(service_name="a", weight=30), Step(service_name="b", weight=70))
    graph = Graph("g", {"root": Node(RouterType.SPLITTER, steps)})
    for draw, target in ((0, "a"), (29, "a"), (30, "b"), (99, "b")):
        stubs = Stubs()
        await route(graph, b"", (), stubs.call, draw=partial(int, draw))
        assert [target for target, _ in stubs.received] == [target]

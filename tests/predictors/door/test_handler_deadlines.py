"""A turn's deadline and name, made by the first predictor and kept by the others."""

import json

import pytest

from graph import contract
from graph.turn.timeouts import CLOCK_SKEW, MARGIN
from tests.predictors.door.waiting import (
    NOW,
    Waits,
    ask,
    at,
    loaded,
)


async def test_the_first_predictor_makes_a_deadline_of_what_a_person_asks_for():
    status, answer = await ask(at(NOW), {"timeout": 5})
    [turn] = answer["predictions"]
    assert (status, turn["deadline"]) == (200, NOW + 5)
    assert "timeout" not in turn


@pytest.mark.parametrize("asked", [{}, {"timeout": 3600}])
async def test_no_turn_has_more_time_than_the_server_gives(asked):
    _, answer = await ask(at(NOW, turn_timeout=30), asked)
    assert answer["predictions"][0]["deadline"] == NOW + 30


async def test_a_batch_is_answered_whole_so_its_shortest_time_holds_for_all():
    _, answer = await ask(at(NOW), {"timeout": 7}, {}, {"timeout": 5})
    assert [turn["deadline"] for turn in answer["predictions"]] == [NOW + 5] * 3


async def test_a_later_predictor_leaves_the_deadline_as_it_is():
    _, answer = await ask(at(NOW, turn_timeout=30), {"deadline": NOW + 90})
    assert answer["predictions"][0]["deadline"] == NOW + 90
    _, answer = await ask(at(NOW), {"deadline": NOW + 90, "timeout": 9})
    assert answer["predictions"][0]["deadline"] == NOW + 9


async def test_a_turn_that_nobody_waits_for_is_refused_before_it_costs_anything():
    predictor = Waits()
    status, answer = await ask(at(NOW, predictor), {"deadline": NOW + 9}, {"deadline": NOW - 12})
    assert (status, predictor.called) == (504, 0)
    assert "waits: the turn's deadline had passed 10.0 s before it came here" in answer["error"]
    assert "longer `timeout`" in answer["error"]


@pytest.mark.parametrize("ahead", [-2, -1, 0, 1, 2])
async def test_clocks_that_differ_by_two_seconds_do_no_harm(ahead):
    """A turn that has a moment left, at a pod whose clock is ahead or behind."""
    status, _ = await ask(at(NOW + ahead), {"deadline": NOW + 0.5})
    assert status == 200


async def test_a_clock_that_is_behind_works_on_for_twice_the_skew_and_no_longer():
    skew = CLOCK_SKEW
    assert (await ask(at(NOW - skew), {"deadline": NOW - 2 * skew + 0.1}))[0] == 200
    assert (await ask(at(NOW - skew), {"deadline": NOW - 2 * skew - 0.1}))[0] == 504
    assert 2 * skew < MARGIN


async def test_work_gets_what_is_left_and_no_more():
    predictor = Waits()
    handler = loaded(predictor, clock=lambda: NOW, clock_skew=0)
    status, answer = await ask(handler, {"timeout": 0.001})
    assert (status, predictor.called, predictor.cancelled) == (504, 1, 1)
    assert "waits: no answer by the turn's deadline" in answer["error"]


async def test_every_turn_has_a_name_of_its_own():
    _, answer = await ask(at(NOW), {}, {"request_id": "mine"}, {})
    names = [turn["request_id"] for turn in answer["predictions"]]
    assert names[1] == "mine"
    assert len(set(names)) == 3
    assert all(contract.find_request_ids({"request_id": name}) for name in names)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'{"instances": 3}', b'{"instances": [7]}', b'{"user_input": " "}'],
)
async def test_every_error_has_a_name_though_the_request_has_none(body):
    payload = json.loads((await loaded(Waits()).answer(body)).body)
    assert contract.find_request_ids(payload) == [payload["request_id"]]


async def test_a_wrong_request_is_reported_by_the_names_that_it_came_with():
    turns = [{"request_id": "a", "user_input": ""}, {"request_id": "?"}, {"request_id": "b"}]
    status, answer = await ask(loaded(Waits()), *turns)
    assert (status, answer["request_id"]) == (400, "a,b")

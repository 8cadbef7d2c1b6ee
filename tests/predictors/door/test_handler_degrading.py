"""A predictor that cannot do its part passes turns on, where it may."""

import asyncio
import json

import pytest

from graph.errors import EngineError, RequestError
from predictors.door.handler import Handler
from tests.failures import FAILURES
from tests.predictors.door.waiting import (
    BODY,
    NAMED,
    Degrades,
    DegradesAfter,
    Waits,
    loaded,
)


def reasons(answer):
    """Of a turn that was passed on, why its step did nothing."""
    assert answer.status == 200, answer.body
    [turn] = json.loads(answer.body)["predictions"]
    assert turn["user_input"] == "hi"
    return [(entry["step"], entry["reason"]) for entry in turn["degraded"]]


@pytest.mark.parametrize(
    ("error", "reason"), [*FAILURES, (RuntimeError("out of memory"), "engine")]
)
async def test_a_predictor_that_can_passes_turns_on_after_an_error(error, reason, caplog):
    answer = await loaded(DegradesAfter(error)).answer(BODY)
    assert reasons(answer) == [("waits", reason)]
    assert "passed the request on" in caplog.text


async def test_it_passes_turns_on_where_no_place_is_free_and_before_it_is_loaded():
    predictor = Degrades()
    handler = Handler(predictor, max_inflight=1)
    assert reasons(await handler.answer(BODY)) == [("waits", "not-ready")]
    handler.load()
    first = asyncio.create_task(handler.answer(BODY))
    await asyncio.sleep(0)
    assert reasons(await handler.answer(BODY)) == [("waits", "overloaded")]
    predictor.go.set()
    [turn] = json.loads((await first).body)["predictions"]
    assert turn["user_input"] == "hi"
    assert "degraded" not in turn


async def test_it_is_stopped_in_time_to_pass_a_turn_on():
    predictor = Degrades()
    handler = loaded(predictor, request_timeout=0.01)
    assert handler.seconds_within(55) == pytest.approx(0.009)
    assert loaded(predictor, request_timeout=55).seconds_within(60) == 54
    assert loaded(predictor, request_timeout=55, clock_skew=0).seconds_within(30) == 29
    assert loaded(Waits(), request_timeout=55).seconds_within(60) == 55
    assert reasons(await handler.answer(BODY)) == [("waits", "deadline")]
    assert predictor.cancelled == 1


async def test_what_it_cannot_pass_on_and_what_the_person_did_wrong_fail_as_ever():
    fatal = await loaded(DegradesAfter(EngineError("waits: fatal"))).answer(NAMED)
    assert (fatal.status, json.loads(fatal.body)) == (
        500,
        {"error": "waits: fatal", "request_id": "turn-1"},
    )
    wrong = await loaded(DegradesAfter(RequestError("user_input", "blank"))).answer(BODY)
    assert wrong.status == 400


async def test_a_predictor_that_can_passes_a_turn_on_before_its_deadline_by_its_own_clock():
    """The seconds that are granted to another clock would have the turn arrive too late."""
    predictor = Degrades()
    handler = loaded(predictor, clock=lambda: 1000.0, clock_skew=2.0)
    assert handler.seconds_within(12.0) == pytest.approx(9.0)
    assert handler.seconds_within(3.0) == pytest.approx(0.9)
    assert loaded(Waits(), clock_skew=2.0).seconds_within(12.0) == 12.0
    predictor.degrades = False
    assert handler.seconds_within(12.0) == 12.0
    predictor.degrades = True
    late = json.dumps({"user_input": "hi", "deadline": 999.0}).encode()
    assert reasons(await handler.answer(late)) == [("waits", "deadline")]

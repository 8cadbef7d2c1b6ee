"""What guards a predictor: queue, deadline, readiness, errors."""

import asyncio
import json
import threading

import pytest

from graph import contract
from graph.errors import EngineError
from predictors.door.handler import Handler
from tests.predictors.door.waiting import (
    BODY,
    NAMED,
    Costs,
    Fails,
    Waits,
    loaded,
)


async def test_before_it_is_loaded_it_says_so():
    answer = await Handler(Waits()).answer(NAMED)
    assert (answer.status, json.loads(answer.body)) == (
        503,
        {"error": "waits: the model is not ready", "request_id": "turn-1"},
    )


async def test_one_request_over_the_limit_is_refused_and_the_others_are_answered():
    predictor = Waits()
    handler = loaded(predictor, max_inflight=2)
    first = [asyncio.create_task(handler.answer(BODY)) for _ in range(2)]
    await asyncio.sleep(0)
    refused = await handler.answer(BODY)
    assert refused.status == 503
    assert refused.retry_after == "1"
    predictor.go.set()
    assert [answer.status for answer in await asyncio.gather(*first)] == [200, 200]
    assert (await handler.answer(BODY)).status == 200


async def test_a_deadline_ends_the_work():
    predictor = Waits()
    answer = await loaded(predictor, request_timeout=0.001).answer(BODY)
    assert answer.status == 504
    assert predictor.cancelled == 1


async def test_a_known_error_keeps_its_words_and_an_unknown_one_does_not(caplog):
    known = await loaded(Fails(EngineError("waits: broken"))).answer(NAMED)
    assert (known.status, json.loads(known.body)) == (
        500,
        {"error": "waits: broken", "request_id": "turn-1"},
    )
    unknown = await loaded(Fails(KeyError("/secret/path"))).answer(BODY)
    assert unknown.status == 500
    assert "secret" not in json.dumps(json.loads(unknown.body))
    assert "secret" in caplog.text


async def test_a_place_is_given_back_after_every_failure():
    handler = loaded(Fails(KeyError("x")), max_inflight=1)
    for _ in range(3):
        assert (await handler.answer(BODY)).status == 500


@pytest.mark.parametrize("in_place", [True, False])
async def test_a_text_that_no_later_step_takes_is_the_predictors_error_wherever_it_wrote_it(
    in_place,
):
    class Writes(Waits):
        async def predict(self, instances):
            predictions = instances if in_place else [dict(each) for each in instances]
            predictions[0]["user_input"] = "a\x00b"
            return predictions

    answer = await loaded(Writes()).answer(NAMED)
    assert answer.status == 500
    assert "waits: the model's text cannot be passed on" in json.loads(answer.body)["error"]


@pytest.mark.parametrize("text", ["é 你好 😀 \u2028", '"quoted" \\ / \n'])
async def test_an_answer_is_json_of_the_same_text(text):
    predictor = Waits()
    predictor.go.set()
    instance = {"user_input": text, "request_id": "turn-1", "deadline": 4e9}
    answer = await loaded(predictor).answer(json.dumps(instance).encode())
    assert json.loads(answer.body) == {"predictions": [instance]}


async def test_a_request_is_admitted_by_what_it_asks_of_the_model_and_refused_whole():
    predictor = Costs()
    predictor.go.set()
    handler = loaded(predictor, max_queue_seconds=1e-9)
    # Idle, it takes any request; and by these it knows its rate.
    for _ in range(3):
        assert (await handler.answer(BODY)).status == 200
    predictor.go.clear()
    first = asyncio.create_task(handler.answer(b'{"user_input": "a long message"}'))
    await asyncio.sleep(0)
    refused = await handler.answer(BODY)
    assert refused.status == 503 and int(refused.retry_after) >= 1
    assert "waits: 1 requests are at work" in json.loads(refused.body)["error"]
    predictor.go.set()
    assert (await first).status == 200
    assert (await handler.answer(BODY)).status == 200


async def test_a_large_body_is_read_checked_and_written_on_a_thread_and_a_small_one_is_not(
    monkeypatch,
):
    threads = set()

    def noting(work):
        def noted(*args):
            threads.add((work.__name__, threading.current_thread() is threading.main_thread()))
            return work(*args)

        return noted

    monkeypatch.setattr(contract, "parse_body", noting(contract.parse_body))
    monkeypatch.setattr(contract, "read_instances", noting(contract.read_instances))
    predictor = Waits()
    predictor.go.set()
    handler = loaded(predictor)
    large = json.dumps({"instances": [{"user_input": "a" * 9_999}] * 8}).encode()
    assert (await handler.answer(large)).status == 200
    assert threads == {("parse_body", False), ("read_instances", False)}
    threads.clear()
    assert (await handler.answer(BODY)).status == 200
    assert threads == {("parse_body", True), ("read_instances", True)}

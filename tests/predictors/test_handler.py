"""What guards a predictor: queue, deadline, readiness, errors."""

import asyncio
import json

import pytest

from graph import contract
from graph.degradation import reason_of
from graph.errors import DeadlineExceeded, EngineError, NotReady, Overloaded, RequestError
from predictors.handler import Handler


class Waits:
    """A predictor that answers when it is let go."""

    name = "waits"
    schema = contract.Schema(("user_input",), contract.PUBLIC.limits)

    def __init__(self):
        self.go = asyncio.Event()
        self.cancelled = 0

    def load(self):
        pass

    def close(self):
        pass

    async def predict(self, instances):
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return instances


class Fails(Waits):
    def __init__(self, error):
        super().__init__()
        self.error = error

    async def predict(self, instances):
        raise self.error


class Degrades(Waits):
    """A predictor that passes turns on without its work, unless the error says `fatal`."""

    def degrade(self, instances, error):
        if "fatal" in str(error):
            return None
        passed_on = [dict(instance) for instance in instances]
        for instance in passed_on:
            contract.add_degradation(instance, self.name, reason_of(error))
        return passed_on


class DegradesAfter(Degrades, Fails):
    """The same, after an error of its own."""


BODY = b'{"user_input": "hi"}'


def loaded(predictor, **options):
    handler = Handler(predictor, **options)
    handler.load()
    return handler


async def test_before_it_is_loaded_it_says_so():
    answer = await Handler(Waits()).answer(BODY)
    assert (answer.status, json.loads(answer.body)) == (
        503,
        {"error": "waits: the model is not ready"},
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
    known = await loaded(Fails(EngineError("waits: broken"))).answer(BODY)
    assert (known.status, json.loads(known.body)) == (500, {"error": "waits: broken"})
    unknown = await loaded(Fails(KeyError("/secret/path"))).answer(BODY)
    assert unknown.status == 500
    assert "secret" not in json.dumps(json.loads(unknown.body))
    assert "secret" in caplog.text


async def test_a_place_is_given_back_after_every_failure():
    handler = loaded(Fails(KeyError("x")), max_inflight=1)
    for _ in range(3):
        assert (await handler.answer(BODY)).status == 500


@pytest.mark.parametrize("text", ["é 你好 😀 \u2028", '"quoted" \\ / \n'])
async def test_an_answer_is_json_of_the_same_text(text):
    predictor = Waits()
    predictor.go.set()
    answer = await loaded(predictor).answer(json.dumps({"user_input": text}).encode())
    assert json.loads(answer.body) == {"predictions": [{"user_input": text}]}


def reasons(answer):
    """Of a turn that was passed on, why its step did nothing."""
    assert answer.status == 200, answer.body
    [turn] = json.loads(answer.body)["predictions"]
    assert turn["user_input"] == "hi"
    return [(entry["step"], entry["reason"]) for entry in turn["degraded"]]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Overloaded("waits: busy"), "overloaded"),
        (EngineError("waits: broken"), "engine"),
        (DeadlineExceeded("waits: late"), "deadline"),
        (NotReady("waits: loading"), "not-ready"),
        (RuntimeError("out of memory"), "engine"),
    ],
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
    assert json.loads((await first).body) == {"predictions": [{"user_input": "hi"}]}


async def test_it_is_stopped_in_time_to_pass_a_turn_on():
    predictor = Degrades()
    handler = loaded(predictor, request_timeout=0.01)
    assert handler.seconds == pytest.approx(0.009)
    assert loaded(predictor, request_timeout=55).seconds == 54
    assert loaded(Waits(), request_timeout=55).seconds == 55
    assert reasons(await handler.answer(BODY)) == [("waits", "deadline")]
    assert predictor.cancelled == 1


async def test_what_it_cannot_pass_on_and_what_the_person_did_wrong_fail_as_ever():
    fatal = await loaded(DegradesAfter(EngineError("waits: fatal"))).answer(BODY)
    assert (fatal.status, json.loads(fatal.body)) == (500, {"error": "waits: fatal"})
    wrong = await loaded(DegradesAfter(RequestError("user_input", "blank"))).answer(BODY)
    assert wrong.status == 400

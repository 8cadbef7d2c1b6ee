"""What guards a predictor: queue, deadline, readiness, errors."""

import asyncio
import json
import threading

import pytest

from graph import contract
from graph.errors import DeadlineExceeded, EngineError, NotReady, Overloaded, RequestError
from graph.turn.degradation import reason_of
from graph.turn.timeouts import CLOCK_SKEW, MARGIN
from predictors.door.handler import Handler
from predictors.scheduling.cost import Cost


class Waits:
    """A predictor that answers when it is let go."""

    name = "waits"
    schema = contract.INNER

    def __init__(self):
        self.go = asyncio.Event()
        self.cancelled = 0
        self.called = 0

    def load(self):
        pass

    def close(self):
        pass

    async def predict(self, instances):
        self.called += 1
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

    degrades = True

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
NAMED = b'{"user_input": "hi", "request_id": "turn-1"}'
NOW = 1_764_000_000.0


def loaded(predictor, **options):
    handler = Handler(predictor, **options)
    handler.load()
    return handler


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


@pytest.mark.parametrize("text", ["é 你好 😀 \u2028", '"quoted" \\ / \n'])
async def test_an_answer_is_json_of_the_same_text(text):
    predictor = Waits()
    predictor.go.set()
    instance = {"user_input": text, "request_id": "turn-1", "deadline": 4e9}
    answer = await loaded(predictor).answer(json.dumps(instance).encode())
    assert json.loads(answer.body) == {"predictions": [instance]}


def at(now, predictor=None, **options):
    """A loaded Handler for which it is always `now`."""
    predictor = predictor or Waits()
    predictor.go.set()
    return loaded(predictor, clock=lambda: now, **options)


async def ask(handler, *instances):
    """Status and payload of the answer to some turns of one word each."""
    turns = [{"user_input": "hi", **instance} for instance in instances]
    answer = await handler.answer(json.dumps({"instances": turns}).encode())
    return answer.status, json.loads(answer.body)


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


class Costs(Waits):
    """A predictor of which each letter costs a text."""

    def cost(self, instances):
        return Cost(sum(len(instance["user_input"]) for instance in instances))


async def test_a_request_is_admitted_by_what_it_asks_of_the_model_and_refused_whole():
    predictor = Costs()
    predictor.go.set()
    handler = loaded(predictor, max_queue_seconds=1e-9)
    # Idle, it takes any request; and by this one it knows its rate.
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

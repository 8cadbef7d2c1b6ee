"""What the metrics of a predictor tell of its requests."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import httpx2
import pytest
from prometheus_client import CollectorRegistry

from graph.completions.request import AnswerOptions
from graph.errors import EngineError, Overloaded
from graph.telemetry.telemetry import Telemetry
from predictors.chat.model import Chat
from predictors.chat.prompt import ChatTemplatePrompt
from predictors.detector.model import Detector
from predictors.door.handler import Handler
from predictors.door.health import WatchedEngine
from predictors.door.middleware import RequestGuard
from predictors.door.telemetry import watch_all
from predictors.engine import Sampling
from predictors.scheduling.batching import MicroBatcher
from predictors.scheduling.calls import whole
from predictors.scheduling.fairness import FairSlots
from predictors.serving import build_app
from tests.counting import counted, series
from tests.fakes import FakeEngine, predictors
from tests.predictors.door.waiting import BODY, DegradesAfter, Fails, Waits, ask, loaded
from tests.waiting import until

P = "parley_predictor"
INNER = json.dumps({"user_input": "hi", "user_input_en": "hi"}).encode()


def watched(*handlers: Handler) -> CollectorRegistry:
    telemetry = Telemetry()
    watch_all(handlers, telemetry)
    return telemetry.registry


class Batches(Waits):
    """A predictor whose texts wait for a model that takes three at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.batcher = MicroBatcher[str, str, str](whole(lambda _, texts: texts), batch=3)

    async def predict(self, instances: list[dict[str, Any]]) -> list[dict[str, Any]]:
        await self.batcher.submit([("", turn["user_input"]) for turn in instances])
        return instances


async def test_turns_are_counted_by_language_and_route() -> None:
    detector = loaded(Detector("detector", ("en", "fr"), "en"))
    registry = watched(detector)
    await ask(detector, {"language": "fr"}, {"language": "en"}, {"language": "fr"})
    await ask(detector, {"language": "en"})
    turns = f"{P}_turns_total"
    mixed = {"route": "mixed", "predictor": "detector", "status": "2xx", "degraded": "false"}
    assert counted(registry, turns, language="fr", **mixed) == 2
    assert counted(registry, turns, language="en", route="en") == 1
    assert counted(registry, f"{P}_request_duration_seconds_count", status="2xx") == 2


async def test_a_predictor_counts_what_it_left_undone_and_not_what_others_did() -> None:
    handler = loaded(DegradesAfter(Overloaded("busy")))
    registry = watched(handler)
    await ask(handler, {"degraded": [{"step": "chat", "reason": "engine"}]})
    assert counted(registry, f"{P}_degraded_total", reason="overloaded") == 1
    assert counted(registry, f"{P}_degraded_total") == 1
    assert counted(registry, f"{P}_turns_total", degraded="true", status="2xx") == 1


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [(Overloaded("busy"), "5xx", "overloaded"), (RuntimeError("a bug"), "5xx", "")],
)
async def test_a_request_that_fails_is_counted_once(error, status, reason) -> None:
    handler = loaded(Fails(error))
    registry = watched(handler)
    assert (await ask(handler, {}))[0] >= 500
    assert counted(registry, f"{P}_turns_total", status=status) == 1
    assert counted(registry, f"{P}_refused_total") == (1 if reason else 0)
    assert counted(registry, f"{P}_refused_total", reason=reason) == (1 if reason else 0)


@pytest.mark.parametrize("body", [b"{", b'{"user_input": " "}', b'{"instances": [1]}'])
async def test_a_wrong_request_is_refused_and_is_no_turn(body: bytes) -> None:
    handler = loaded(Waits())
    registry = watched(handler)
    assert (await handler.answer(body)).status == 400
    assert counted(registry, f"{P}_refused_total", reason="bad-request") == 1
    assert counted(registry, f"{P}_turns_total") == 0


async def test_a_request_under_way_is_seen_and_one_that_was_left_is_told() -> None:
    handler = loaded(Waits())
    registry = watched(handler)
    asking = asyncio.create_task(handler.answer(BODY))
    await asyncio.sleep(0)
    assert counted(registry, f"{P}_requests") == 1
    asking.cancel()
    await asyncio.wait([asking])
    assert counted(registry, f"{P}_requests") == 0
    assert counted(registry, f"{P}_turns_total", status="gone") == 1


async def test_a_call_of_the_model_is_one_batch_and_one_wait_for_each_request_of_it() -> None:
    handler = loaded(Batches())
    registry = watched(handler)
    await asyncio.gather(ask(handler, {}, {}), ask(handler, {}), ask(handler, {}))
    # Two items alone at once, and then what had gathered meanwhile.
    assert counted(registry, f"{P}_batch_size_count") == 2
    assert counted(registry, f"{P}_batch_size_sum") == 4
    assert counted(registry, f"{P}_queue_seconds_count") == 3


class Slots(Waits):
    """A predictor that holds one of two slots until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.slots = FairSlots(2)

    async def predict(self, instances: list[dict[str, Any]]) -> list[dict[str, Any]]:
        async with self.slots.one():
            await super().predict(instances)
        return instances


async def test_a_slot_tells_how_many_work_side_by_side_and_that_one_waited() -> None:
    predictor = Slots()
    handler = loaded(predictor)
    registry = watched(handler)
    asking = [asyncio.create_task(ask(handler, {})) for _ in range(3)]
    await until(lambda: predictor.called == 2 and predictor.slots.waiting == 1)
    predictor.go.set()
    await asyncio.gather(*asking)
    assert counted(registry, f"{P}_batch_size_count") == 3
    # One alone, one beside it, and one in the place of either.
    assert counted(registry, f"{P}_batch_size_bucket", le="1.0") >= 1
    assert counted(registry, f"{P}_batch_size_sum") >= 1 + 2 + 1
    assert counted(registry, f"{P}_queue_seconds_count") == 3


class Broken(FakeEngine):
    async def generate(self, prompts: Sequence[Any], sampling: Sampling) -> list[str]:
        raise EngineError("fake: broken") from RuntimeError("CUDA")


def chat(engine: Any) -> Handler:
    handler: Handler = loaded(Chat("chat", engine, ChatTemplatePrompt(""), Sampling(max_tokens=50)))
    return handler


async def test_failures_of_an_engine_are_counted_though_a_predictor_helps_itself() -> None:
    handler = chat(WatchedEngine(Broken(str)))
    registry = watched(handler)
    assert (await handler.answer(INNER)).status == 500
    assert counted(registry, f"{P}_engine_failures_total", predictor="chat") == 1


async def test_a_streamed_answer_counts_its_tokens() -> None:
    handler = chat(FakeEngine(lambda text: "one two three"))
    registry = watched(handler)

    async def put(part: str) -> None:
        pass

    await handler.write(json.loads(INNER), AnswerOptions(), put)
    assert counted(registry, f"{P}_tokens_total", kind="in") == 1
    assert counted(registry, f"{P}_tokens_total", kind="out") == 3


async def test_whatever_is_asked_makes_no_new_series() -> None:
    handlers = predictors()
    registry = watched(*handlers)
    chat_handler = handlers[-1]
    said = {"user_input": "hi", "user_input_en": "hi"}
    await chat_handler.answer(json.dumps({**said, "language": "xx", "route": "xx"}).encode())
    before = series(registry)
    for code in ("yy", "zzz", "aa"):
        turn = {**said, "language": code, "route": f"{code} route", "request_id": code}
        assert (await chat_handler.answer(json.dumps(turn).encode())).status == 200
    assert series(registry) == before


async def test_readiness_is_a_metric() -> None:
    handler = loaded(Waits())
    registry = watched(handler)
    assert counted(registry, f"{P}_ready", predictor="waits") == 1
    handler.close()
    assert counted(registry, f"{P}_ready", predictor="waits") == 0


async def test_one_door_tells_of_every_predictor_and_what_kserve_counts_too() -> None:
    handlers = predictors()
    telemetry = Telemetry()
    app = RequestGuard(build_app(handlers, telemetry=telemetry), handlers)
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://x") as client:
        body = {"instances": [{"user_input": "Bonjour", "language": "fr"}]}
        assert (await client.post("/v1/models/detector:predict", json=body)).status_code == 200
        long = b"[" * (handlers[0].limits.body + 1)
        refused = await client.post("/v1/models/detector:predict", content=long)
        assert refused.status_code == 413
        wrong = await client.post("/openai/v1/chat/completions", json={"model": "chat"})
        assert wrong.status_code == 400
        told = (await client.get("/metrics")).text
    lines = told.splitlines()
    assert len([line for line in lines if line.startswith("#")]) == len(
        {line for line in lines if line.startswith("#")}
    )
    assert 'request_predict_seconds_count{model_name="detector"}' in told
    refusals = {line for line in lines if line.startswith(f"{P}_refused_total") if "1.0" in line}
    assert refusals == {
        f'{P}_refused_total{{predictor="detector",reason="too-large"}} 1.0',
        f'{P}_refused_total{{predictor="chat",reason="bad-request"}} 1.0',
    }


def test_every_error_that_is_a_refusal_has_its_series_from_the_beginning() -> None:
    registry = watched(loaded(Waits()))
    assert {dict(labels)["reason"] for name, labels in series(registry) if "refused_t" in name} == {
        *("bad-request", "key", "not-served", "too-large", "overloaded", "not-ready", "deadline")
    }

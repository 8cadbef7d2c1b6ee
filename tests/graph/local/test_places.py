"""More turns than a local graph can have under way are refused before a step works for them."""

from __future__ import annotations

import asyncio
import json

import httpx2

from graph.asgi import Answer
from graph.local.app import app_of, with_gateway
from graph.local.build import LocalGraph
from predictors.door.handler import Handler
from tests.fakes import embedded_graph, predictors
from tests.predictors.door.waiting import Waits
from tests.waiting import until

PLACES = 2
TURN = b'{"user_input": "Hello there"}'


class Counts(Handler):
    """A predictor that knows how often it was asked."""

    asked = 0

    async def answer(self, body: bytes) -> Answer:
        self.asked += 1
        return await super().answer(body)


def graph_with(chat: Waits) -> tuple[LocalGraph, Counts]:
    """The shipped graph with this chat, and its detector. A translator has less room, and one
    that is hardly ever asked must not count for all."""
    chat.name = "chat"
    detector, *translators = [handler.predictor for handler in predictors()[:3]]
    first = Counts(detector, max_inflight=PLACES)
    rest = [Handler(each, max_inflight=1) for each in translators]
    handlers = [first, *rest, Handler(chat, max_inflight=PLACES)]
    for handler in handlers:
        handler.load()
    return embedded_graph(handlers), first


async def test_one_turn_too_many_costs_no_step_anything() -> None:
    chat = Waits()
    local, detector = graph_with(chat)
    held = [asyncio.create_task(local.route(TURN)) for _ in range(PLACES)]
    await until(lambda: bool(chat.called == PLACES))
    refused = await local.route(TURN)
    assert (refused.status, refused.retry_after) == (503, "1")
    assert json.loads(refused.body) == {"error": "2 turns are under way; try again later"}
    assert detector.asked == PLACES
    chat.go.set()
    assert [answer.status for answer in await asyncio.gather(*held)] == [200] * PLACES
    assert (await local.route(TURN)).status == 200


async def test_turns_of_the_gateway_take_the_same_places() -> None:
    chat = Waits()
    local, detector = graph_with(chat)
    held = [asyncio.create_task(local.route(TURN)) for _ in range(PLACES)]
    await until(lambda: bool(chat.called == PLACES))
    transport = httpx2.ASGITransport(with_gateway(app_of(local), local))
    asked = {"model": local.graph.name, "messages": [{"role": "user", "content": "Hello there"}]}
    async with httpx2.AsyncClient(transport=transport, base_url="http://gateway") as client:
        refused = await client.post("/v1/chat/completions", json=asked)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert refused.json()["error"]["code"] == "overloaded"
    assert detector.asked == PLACES
    chat.go.set()
    await asyncio.gather(*held)

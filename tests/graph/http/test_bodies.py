"""The bodies that are held at once have a bound, and who sends little is not held up by others."""

import asyncio
import json

import pytest

from graph.errors import Overloaded, TooLarge
from graph.http.bodies import BodyBudget
from predictors.door.handler import Handler
from predictors.door.middleware import RequestGuard
from tests.predictors.door.waiting import BODY, Waits

SCOPE = {"type": "http", "method": "POST", "headers": []}


class Sender:
    """A client that sends its body in pieces, when it is told to."""

    def __init__(self):
        self.pieces: asyncio.Queue[dict[str, object]] = asyncio.Queue()

    def send(self, size, more=True):
        message = {"type": "http.request", "body": b" " * size, "more_body": more}
        self.pieces.put_nowait(message)

    async def __call__(self):
        return await self.pieces.get()


async def settle():
    for _ in range(5):
        await asyncio.sleep(0)


class Holding:
    """Requests on one budget, each held until it is let go."""

    def __init__(self, most):
        self.budget = BodyBudget(most)
        self.go = asyncio.Event()

    def start(self, limit=100, seconds=None):
        sender = Sender()

        async def request():
            with self.budget.one() as held:
                body = await held.read(SCOPE, sender, limit, seconds)
                await self.go.wait()
                return len(body)

        return sender, asyncio.create_task(request())


async def test_a_body_that_finds_no_room_is_refused_and_those_at_work_keep_theirs():
    holding = Holding(100)
    first, at_work = holding.start()
    first.send(60, more=False)
    await settle()
    second, refused = holding.start()
    second.send(60)
    with pytest.raises(Overloaded):
        await refused
    third, taken = holding.start()
    third.send(40, more=False)
    await settle()
    assert holding.budget.held == 100
    holding.go.set()
    assert (await at_work, await taken) == (60, 40)
    assert holding.budget.held == 0


async def test_a_slow_sender_of_much_gives_way_to_one_who_sends_little():
    holding = Holding(100)
    slow, starving = holding.start()
    slow.send(95)
    await settle()
    quick, answered = holding.start()
    quick.send(10, more=False)
    with pytest.raises(Overloaded):
        await starving
    holding.go.set()
    assert await answered == 10
    assert holding.budget.held == 0


async def test_what_is_only_announced_takes_no_room():
    holding = Holding(100)
    _, announced = holding.start()
    await settle()
    assert holding.budget.held == 0
    announced.cancel()
    await asyncio.wait({announced})


async def test_a_body_that_is_late_or_too_large_is_refused_as_before():
    holding = Holding(100)
    _, late = holding.start(seconds=0)
    with pytest.raises(TimeoutError):
        await late
    sender, large = holding.start(limit=50)
    sender.send(51)
    with pytest.raises(TooLarge):
        await large
    assert holding.budget.held == 0


async def test_a_predictor_refuses_with_503_and_retry_after_once_its_bodies_are_too_many():
    predictor = Waits()
    handler = Handler(predictor)
    handler.load()
    taken = []

    async def app(scope, receive, send):
        taken.append(len((await receive())["body"]))
        await predictor.go.wait()

    guard = RequestGuard(app, [handler])
    scope = {**SCOPE, "path": "/v1/models/waits:predict"}
    answers = []

    async def post(size):
        sender, sent = Sender(), []
        sender.send(size, more=False)

        async def send(message):
            sent.append(message)

        await guard(scope, sender, send)
        answers.append(sent)

    size = handler.limits.body * 7 // 10
    tasks = [asyncio.create_task(post(size)) for _ in range(3)]
    tasks.append(asyncio.create_task(post(len(BODY))))
    while not answers:
        await asyncio.sleep(0)
    await settle()
    assert taken == [size, size, len(BODY)]
    [[start, body]] = answers
    assert (start["status"], dict(start["headers"])[b"retry-after"]) == (503, b"1")
    assert "too many bytes" in json.loads(body["body"])["error"]
    predictor.go.set()
    await asyncio.gather(*tasks)

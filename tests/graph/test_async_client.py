"""The asynchronous client in an event loop, which goes on while a turn is awaited."""

import asyncio
import json
import threading

import pytest

from graph.asgi import ClientGone, json_answer, read_body, run_for_client, send_answer
from graph.client import AsyncChatClient
from graph.errors import DeadlineExceeded, NotReached, SpecError
from graph.local.app import app_of
from graph.local.transport import AsyncLocalTransport, LocalTransport
from predictors.chat.model import Chat
from predictors.chat.prompt import ChatTemplatePrompt
from predictors.door.handler import Handler
from predictors.engine import Sampling
from tests.fakes import FakeEngine, embedded_graph, predictors
from tests.graph.calling.test_retries import GOOD

# A client that held the loop would end the test with its own time-out, and not never.
SECONDS = 30


class Waits(FakeEngine):
    """An engine that answers when it is told to, and knows who came and who left."""

    def __init__(self):
        super().__init__("You said: {}".format, context=200_000)
        self.asked, self.told, self.left = threading.Event(), threading.Event(), threading.Event()

    async def generate(self, prompts, sampling):
        self.asked.set()
        try:
            await asyncio.to_thread(self.told.wait)
        except asyncio.CancelledError:
            self.left.set()
            raise
        return await super().generate(prompts, sampling)


@pytest.fixture
def engine():
    engine = Waits()
    yield engine
    engine.told.set()


@pytest.fixture(params=["http", "local"])
def make(request, serve_app, engine):
    """Makes clients of the shipped graph, whose chat waits."""
    handlers = predictors()
    handlers[3] = Handler(Chat("chat", engine, ChatTemplatePrompt(""), Sampling(max_tokens=9)))
    handlers[3].load()
    graph = embedded_graph(handlers)
    if request.param == "http":
        url = serve_app(app_of(graph))
        return lambda timeout=SECONDS: AsyncChatClient(url, timeout=timeout)
    transport = AsyncLocalTransport(LocalTransport(graph))
    return lambda timeout=SECONDS: AsyncChatClient(transport=transport, timeout=timeout)


async def test_the_loop_goes_on_while_a_turn_is_awaited(make, engine):
    ticks = 0

    async def tick():
        nonlocal ticks
        for _ in range(10):
            await asyncio.sleep(0)
            ticks += 1

    async with make() as client:
        turn = asyncio.create_task(client.turn("Hello there"))
        await asyncio.to_thread(engine.asked.wait)
        await asyncio.gather(*(tick() for _ in range(100)))
        assert ticks == 1000
        assert not turn.done()
        engine.told.set()
        assert (await turn).response == "You said: Hello there"


async def test_a_turn_that_is_cancelled_stops_the_work_for_it(make, engine):
    async with make() as client:
        turn = asyncio.create_task(client.turn("Hello there"))
        await asyncio.to_thread(engine.asked.wait)
        turn.cancel()
        with pytest.raises(asyncio.CancelledError):
            await turn
        assert await asyncio.to_thread(engine.left.wait, SECONDS)
        engine.told.set()
        assert (await client.turn("Hello again")).response == "You said: Hello again"


async def test_a_turn_of_a_conversation_that_is_cancelled_leaves_it_as_it_was(make, engine):
    async with make() as client:
        talk = client.conversation()
        turn = asyncio.create_task(talk.say("Hello there"))
        await asyncio.to_thread(engine.asked.wait)
        turn.cancel()
        with pytest.raises(asyncio.CancelledError):
            await turn
        assert (talk.history, talk.replies) == ([], [])
        engine.told.set()
        assert (await talk.say("Hello again")).history == ["Hello again", "You said: Hello again"]


async def test_a_turn_is_given_up_after_the_seconds_of_the_client(make, engine):
    async with make(0.2) as client:
        with pytest.raises(DeadlineExceeded, match=r"no answer within 0\.2 s"):
            await client.turn("Hello there")


async def test_many_turns_are_under_way_at_a_time(serve_app):
    count, here = 20, []
    all_here = asyncio.Event()

    async def app(scope, receive, send):
        [turn] = json.loads(await read_body(scope, receive, 10**6))["instances"]
        here.append(turn)
        if len(here) == count:
            all_here.set()
        await all_here.wait()
        await send_answer(send, json_answer(200, {"predictions": [GOOD | turn]}))

    async with AsyncChatClient(serve_app(app), timeout=SECONDS) as client:
        texts = [f"Hello number {i}" for i in range(count)]
        replies = await asyncio.gather(*map(client.turn, texts))
    assert [reply.user_input for reply in replies] == texts


async def test_a_turn_that_is_cancelled_closes_its_connection(serve_app):
    asked, gone = threading.Event(), threading.Event()

    async def app(scope, receive, send):
        await read_body(scope, receive, 10**6)
        asked.set()
        try:
            await run_for_client(asyncio.Event().wait(), receive)
        except ClientGone:
            gone.set()

    async with AsyncChatClient(serve_app(app)) as client:
        turn = asyncio.create_task(client.turn("Hello there"))
        await asyncio.to_thread(asked.wait)
        turn.cancel()
        with pytest.raises(asyncio.CancelledError):
            await turn
        assert await asyncio.to_thread(gone.wait, SECONDS)


async def test_nothing_at_the_url_is_not_reached():
    async with AsyncChatClient("http://127.0.0.1:1", retries=0) as client:
        with pytest.raises(NotReached, match=r"127\.0\.0\.1:1.* is it running\?") as caught:
            await client.turn("Hello", request_id="turn-1")
    assert caught.value.request_id == "turn-1"


async def test_a_file_that_is_none_is_named():
    with pytest.raises(SpecError, match="none.yaml: No such file"):
        await AsyncChatClient.local("none.yaml")


async def test_a_client_needs_a_url_or_a_transport():
    with pytest.raises(ValueError, match="either a url or a transport"):
        AsyncChatClient()

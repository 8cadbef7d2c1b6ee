"""What a client tries again, and what it never does: against servers that refuse in every way."""

import asyncio
import json
import socket
import threading
from contextlib import contextmanager, suppress

import pytest

from graph.asgi import Answer, ClientGone, json_answer, read_body, run_for_client, send_answer
from graph.calling.endpoint import Endpoint
from graph.calling.retries import Retries
from graph.calling.transport import HttpTransport
from graph.client import ChatClient
from graph.errors import DeadlineExceeded, NotReached, NotReady, StepError

GOOD = {
    "user_input": "Hello", "language": "en", "language_confidence": 1.0, "user_input_en": "Hello",
    "response_en": "Hi", "response": "Hi", "history": ["Hello", "Hi"], "steps": [],
}  # fmt: skip


class Script:
    """A graph that gives its answers one after the other, the last again and again."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.turns = []

    async def __call__(self, scope, receive, send):
        [turn] = json.loads(await read_body(scope, receive, 10**6))["instances"]
        self.turns.append(turn)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is None:
            answer = json_answer(200, {"predictions": [turn | GOOD]})
        await send_answer(send, answer)


def busy(retry_after="0"):
    return json_answer(503, {"error": "chat: full"}, retry_after)


def test_a_turn_that_was_refused_whole_is_tried_again(serve_app):
    script = Script(busy(), busy("Wed, 21 Oct 2015 07:28:00 GMT"), None)
    with ChatClient(serve_app(script)) as client:
        assert client.turn("Hello", request_id="turn-1").response == "Hi"
    assert [turn["request_id"] for turn in script.turns] == ["turn-1"] * 3


def test_a_turn_that_is_tried_again_asks_for_what_is_left_of_its_time(serve_app):
    script = Script(busy(), busy(), None)
    with ChatClient(serve_app(script)) as client:
        client.turn("Hello", timeout=60)
    asked = [turn["timeout"] for turn in script.turns]
    assert len(asked) == 3
    assert asked == sorted(asked, reverse=True)
    assert all(0 < seconds <= 60 for seconds in asked)
    assert asked[2] < 60


@pytest.mark.parametrize("retries", [0, 1, 2])
def test_it_is_tried_again_as_often_as_the_client_may(serve_app, retries):
    script = Script(busy())
    with ChatClient(serve_app(script), retries=retries) as client:
        with pytest.raises(StepError, match="chat: full") as caught:
            client.turn("Hello")
    assert caught.value.status == 503
    assert len(script.turns) == 1 + retries


@pytest.mark.parametrize(
    "answer",
    [
        json_answer(500, {"error": "broken"}),
        json_answer(504, {"error": "late"}),
        json_answer(400, {"error": "wrong"}),
        json_answer(503, {"error": "chat: the model is not ready"}),
        json_answer(503, {"error": "full"}, "soon"),
        json_answer(503, {"error": "full"}, "-1"),
        json_answer(500, {"error": "full"}, "0"),
        Answer(200, b"{"),
    ],
)
def test_what_may_have_been_answered_is_never_asked_twice(serve_app, answer):
    script = Script(answer)
    with ChatClient(serve_app(script)) as client, pytest.raises(StepError):
        client.turn("Hello")
    assert len(script.turns) == 1


def test_a_pause_that_would_outlast_the_turn_is_not_made(serve_app):
    script = Script(busy("3600"))
    with ChatClient(serve_app(script), timeout=60) as client:
        with pytest.raises(StepError, match="chat: full"):
            client.turn("Hello")
    assert len(script.turns) == 1


@contextmanager
def hangs_up(reads):
    """A server that takes `reads` bytes of each connection and ends it; a list of connections."""
    listener = socket.create_server(("127.0.0.1", 0))
    taken: list[int] = []

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                taken.append(len(connection.recv(reads)))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", taken
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


@pytest.mark.parametrize("reads", [1, 65_536])
def test_a_connection_that_breaks_after_bytes_were_sent_is_the_end(reads):
    with hangs_up(reads) as (url, taken), ChatClient(url) as client:
        with pytest.raises(NotReady, match="may have been answered"):
            client.turn("Hello")
    assert len(taken) == 1


def test_a_connection_that_is_refused_is_tried_again_until_somebody_listens(serve_app):
    script = Script(None)
    with ChatClient(transport=Starts(lambda: serve_app(script))) as client:
        assert client.turn("Hello").response == "Hi"
    assert len(script.turns) == 1


class Starts:
    """The way to a server that is started after the first attempt to reach it."""

    def __init__(self, start):
        self.start = start
        self.http = HttpTransport(Endpoint("http://127.0.0.1:1"))

    def post(self, body, predictor, seconds):
        try:
            return self.http.post(body, predictor, seconds)
        except NotReached:
            self.close()
            self.http = HttpTransport(Endpoint(self.start()))
            raise

    def close(self):
        self.http.close()


def test_an_answer_that_drips_ends_with_the_time(serve_app):
    async def drip(send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while True:
            await send({"type": "http.response.body", "body": b" ", "more_body": True})
            await asyncio.sleep(0)

    async def app(scope, receive, send):
        with suppress(ClientGone):
            await run_for_client(drip(send), receive)

    with ChatClient(serve_app(app), timeout=0.1) as client:
        with pytest.raises(DeadlineExceeded):
            client.turn("Hello")


def test_a_client_whose_server_stays_full_soon_asks_hardly_more_than_once_a_turn():
    retries, asked = Retries(1), []

    def attempt(left):
        asked.append(left)
        return busy()

    for _ in range(60):
        retries.answer(attempt, 60)
    first_ten, share = 10, 6
    assert 60 + first_ten <= len(asked) <= 60 + first_ten + share

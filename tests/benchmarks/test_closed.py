"""A closed loop of clients, against servers that answer in every way."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable

import pytest

from graph.asgi import App, Receive, Scope, Send
from tests.benchmarks.closed import WrongAnswer, run_closed, said
from tests.benchmarks.jobs import Job

Answer = tuple[int, dict[str, str], object]
GOOD: Answer = (200, {}, {"predictions": [{"response": "yes"}]})


async def test_it_asks_as_often_as_it_may(serve_app: Callable[[App], str]):
    load = await run_closed(serve_app(app(GOOD)), Job(["one", "two"], 2, 60.0, most=6))
    assert len(load.seconds) == 6
    assert load.answers == {"one": "yes", "two": "yes"}
    assert (load.failed, load.refused, load.cut) == (0, 0, [])


async def test_no_more_are_under_way_than_there_are_clients(serve_app: Callable[[App], str]):
    under_way, most = 0, 0

    async def wait() -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1

    load = await run_closed(serve_app(app(GOOD, wait)), Job(["one"], 3, 60.0, most=30))
    assert len(load.seconds) == 30
    assert most <= 3


async def test_without_clients_nothing_is_asked(serve_app: Callable[[App], str]):
    async def never() -> None:
        raise AssertionError("it was asked")

    marks: list[bool] = []
    load = await run_closed(
        serve_app(app(GOOD, never)), Job(["one"], 0, 0.1), lambda: marks.append(True)
    )
    assert load.window >= 0.1 and len(marks) == 2
    assert not load.seconds and not load.failed and not load.cut


async def test_what_is_under_way_at_the_end_is_given_up(serve_app: Callable[[App], str]):
    async def never() -> None:
        await asyncio.Event().wait()

    load = await run_closed(serve_app(app(GOOD, never)), Job(["one"], 3, 0.3))
    assert len(load.cut) == 3
    assert not load.seconds and not load.failed


async def test_nothing_counts_before_each_client_has_an_answer(serve_app: Callable[[App], str]):
    """The first client's first answer comes last; what the other one gets meanwhile is no row."""
    first, others = asyncio.Event(), iter(range(100))

    async def wait() -> None:
        match next(others):
            case 0:
                await first.wait()
            case 5:
                first.set()

    marked: list[bool] = []
    job = Job(["one"], 2, 60.0, ramp=60.0, most=20)
    url = serve_app(app(GOOD, wait))
    load = await run_closed(url, job, lambda: marked.append(first.is_set()))
    assert marked == [True, True]
    assert 0 < len(load.seconds) <= 20 - 6


async def test_what_no_ramp_saw_an_answer_of_counts_from_the_first_request(
    serve_app: Callable[[App], str],
):
    """Else a system that answers five at once, after a minute, would have done it in a moment."""
    counting = threading.Event()

    async def wait() -> None:
        await asyncio.to_thread(counting.wait)

    marks = iter([counting.set, lambda: None])
    job = Job(["one"], 1, 60.0, ramp=0.1, most=1)
    load = await run_closed(serve_app(app(GOOD, wait)), job, lambda: next(marks)())
    assert load.wall >= load.seconds[0] >= 0.1


async def test_a_ramp_ends_in_its_time(serve_app: Callable[[App], str]):
    async def never() -> None:
        await asyncio.Event().wait()

    load = await run_closed(serve_app(app(GOOD, never)), Job(["one"], 2, 0.2, ramp=0.1))
    assert len(load.cut) == 2
    assert load.window < 10


async def test_who_is_refused_comes_again(serve_app: Callable[[App], str]):
    answers = iter([(503, {"retry-after": "0"}, {"error": "full"}), GOOD])
    load = await run_closed(serve_app(app(lambda: next(answers))), Job(["one"], 1, 60.0, most=2))
    assert (load.refused, len(load.seconds), load.failed) == (1, 1, 0)


async def test_a_client_that_is_answered_wrongly_stops(serve_app: Callable[[App], str]):
    load = await run_closed(serve_app(app((500, {}, {}))), Job(["one"], 2, 60.0))
    assert load.failed == 2
    assert "answered 500" in load.error


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"predictions": [{"degraded": [{"step": "chat"}]}]}, "degraded"),
        ({"predictions": [{"language": "fr"}]}, "no text in"),
    ],
)
def test_an_answer_without_its_text_is_none(body: object, reason: str):
    with pytest.raises(WrongAnswer, match=reason):
        said(200, json.dumps(body).encode())


def test_a_list_without_anything_around_it_is_an_answer_too():
    assert said(200, b'[{"response": "yes"}]') == "yes"


async def nothing() -> None:
    pass


def app(
    answer: Answer | Callable[[], Answer], wait: Callable[[], Awaitable[None]] = nothing
) -> App:
    """An application that answers so, when `wait` is over."""

    async def run(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass
        await wait()
        status, headers, body = answer() if callable(answer) else answer
        sent = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": sent})
        await send({"type": "http.response.body", "body": json.dumps(body).encode()})

    return run

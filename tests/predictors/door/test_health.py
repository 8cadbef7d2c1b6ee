"""An engine that fails is taken out of service, probed, and either well again or dead."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

import httpx2
import pytest

from graph.errors import EngineError, TooLarge
from predictors.chat.model import Chat
from predictors.chat.prompt import ChatTemplatePrompt
from predictors.door.handler import Handler
from predictors.door.health import Probing, WatchedEngine
from predictors.door.middleware import RequestGuard
from predictors.engine import Prompt, Sampling
from predictors.serving import build_app
from tests.fakes import FakeEngine
from tests.predictors.door.waiting import BODY
from tests.waiting import until


class Faulty(FakeEngine):
    """An engine whose calls do what `fault` does, while there is one."""

    def __init__(self, fault: Callable[[], object] | None = None) -> None:
        super().__init__(lambda text: "Yes.")
        self.fault = fault
        self.calls = 0

    async def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> list[str]:
        self.calls += 1
        if self.fault is hang:
            await asyncio.Event().wait()
        elif self.fault is not None:
            self.fault()
        return await super().generate(prompts, sampling)


def hang() -> None:
    """A model that comes to no end."""


def stop_answering() -> None:
    try:
        raise ConnectionError("refused")
    except ConnectionError as err:
        raise EngineError("fake: the engine stopped answering") from err


def run_out_of_memory() -> None:
    raise MemoryError


def ask_too_much() -> None:
    raise TooLarge("text", "9 tokens, the model reads at most 8")


def say_nothing() -> None:
    raise EngineError("fake: gave no translation of a sentence")


def chat(engine: Faulty, request_timeout: float = 60.0) -> tuple[WatchedEngine, Handler]:
    probing = Probing(seconds=0.01, pauses=(0.0, 0.0))
    watched = WatchedEngine(engine, probing)
    handler = Handler(
        Chat("chat", watched, ChatTemplatePrompt(""), Sampling(max_tokens=9)),
        request_timeout=request_timeout,
    )
    handler.load()
    return watched, handler


@pytest.mark.parametrize("fault", [stop_answering, run_out_of_memory])
async def test_failures_in_a_row_take_it_out_of_service_and_a_probe_brings_it_back(
    fault: Callable[[], None], caplog: pytest.LogCaptureFixture
) -> None:
    engine = Faulty(fault)
    _, handler = chat(engine)
    for _ in range(2):
        assert (await handler.answer(BODY)).status == 500
        assert handler.ready
    assert (await handler.answer(BODY)).status == 500
    assert not handler.ready and handler.health.alive
    assert (await handler.answer(BODY)).status == 503
    engine.fault = None
    await until(lambda: handler.ready)
    assert engine.samplings[-1].max_tokens == 1
    assert (await handler.answer(BODY)).status == 200
    assert "not ready: 3 failures in a row" in caplog.text and "ready again" in caplog.text


async def test_an_engine_that_no_probe_wakes_is_dead_and_says_so_in_one_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    _, handler = chat(Faulty(stop_answering))
    for _ in range(3):
        await handler.answer(BODY)
    await until(lambda: not handler.health.alive)
    assert not handler.ready
    [line] = [r for r in caplog.records if r.levelno == logging.CRITICAL]
    assert line.getMessage() == (
        "fake: dead after 6 failures: fake: the engine stopped answering; the process must end"
    )


async def test_an_engine_that_hangs_is_probed_though_its_callers_only_see_their_deadline() -> None:
    engine = Faulty(hang)
    _, handler = chat(engine, request_timeout=0.1)
    for _ in range(3):
        assert (await handler.answer(BODY)).status == 504
    await until(lambda: not handler.ready)
    await until(lambda: not handler.health.alive)
    assert handler.health.problem == "no token came in time"


async def test_callers_that_leave_a_slow_engine_do_not_take_it_out_of_service() -> None:
    engine = Faulty(hang)
    watched, handler = chat(engine, request_timeout=0.1)
    for _ in range(2):
        assert (await handler.answer(BODY)).status == 504
    last = asyncio.create_task(handler.answer(BODY))
    await until(lambda: engine.calls == 3)
    engine.fault = None
    assert (await last).status == 504
    await until(lambda: watched.health.unanswered == 0)
    assert handler.ready


@pytest.mark.parametrize("fault", [ask_too_much, say_nothing])
async def test_what_a_request_asks_too_much_of_is_no_failure_of_the_engine(
    fault: Callable[[], None],
) -> None:
    _, handler = chat(Faulty(fault))
    for _ in range(9):
        await handler.answer(BODY)
    assert handler.ready and handler.health.failed == 0


async def test_one_success_between_failures_begins_the_count_anew() -> None:
    engine = Faulty()
    _, handler = chat(engine)
    for fault in (stop_answering, stop_answering, None, stop_answering, stop_answering):
        engine.fault = fault
        await handler.answer(BODY)
    assert handler.ready


def test_readiness_and_liveness_tell_what_the_engine_is(
    serve_app: Callable[[object], str],
) -> None:
    engine = Faulty()
    _, handler = chat(engine)
    url = serve_app(RequestGuard(build_app([handler]), [handler]))

    def status(path: str) -> int:
        return httpx2.get(url + path).status_code

    assert [status(path) for path in ("/", "/v1/models/chat", "/readyz")] == [200, 200, 200]
    engine.fault = stop_answering
    for _ in range(3):
        assert httpx2.post(f"{url}/v1/models/chat:predict", content=BODY).status_code == 500
    while status("/") != 503:
        pass
    assert [status(path) for path in ("/v1/models/chat", "/readyz")] == [503, 503]
    assert httpx2.get(url).json() == {
        "status": "dead",
        "engines": {"chat": "fake: the engine stopped answering"},
    }

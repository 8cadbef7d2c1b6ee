"""What goes on for one request together ends together."""

import asyncio

import pytest

from graph.errors import EngineError
from predictors.scheduling.tasks import run_together


async def test_results_come_in_order():
    async def after(turns, value):
        for _ in range(turns):
            await asyncio.sleep(0)
        return value

    assert await run_together(after(turns, turns) for turns in (3, 0, 2)) == [3, 0, 2]


async def test_the_first_error_is_raised_as_it_is_and_nothing_goes_on_for_nobody():
    ended = []

    async def wait(name):
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(name)

    async def fail():
        try:
            raise KeyError("cause")
        except KeyError as err:
            raise EngineError("broken") from err

    with pytest.raises(EngineError, match="broken") as caught:
        await run_together([wait("a"), fail(), wait("b")])
    assert isinstance(caught.value.__cause__, KeyError)
    assert sorted(ended) == ["a", "b"]


async def test_a_caller_that_is_cancelled_takes_all_with_it():
    started, ended = asyncio.Event(), []

    async def wait(name):
        try:
            started.set()
            await asyncio.Event().wait()
        finally:
            ended.append(name)

    caller = asyncio.create_task(run_together([wait("a"), wait("b")]))
    await started.wait()
    caller.cancel()
    await asyncio.wait({caller})
    assert caller.cancelled() and sorted(ended) == ["a", "b"]

"""Micro-batching: every caller gets its own answers, whatever the others do."""

import asyncio
import random
import threading
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.errors import NotReady
from predictors.scheduling.batching import MOST_TOKENS, MicroBatcher
from predictors.scheduling.calls import whole
from tests.waiting import settle


class Gate:
    """Work that waits until it is let go, and remembers its batches."""

    def __init__(self) -> None:
        self.batches: list[tuple[str, list[int]]] = []
        self.entered = threading.Semaphore(0)
        self.free = threading.Event()

    def __call__(self, key: str, items: list[int]) -> list[int]:
        self.batches.append((key, items))
        self.entered.release()
        assert self.free.wait(30)
        if key == "bad":
            raise ValueError(f"bad batch of {len(items)}")
        return [item * 10 for item in items]

    async def wait_entered(self) -> None:
        await asyncio.to_thread(self.entered.acquire, timeout=30)


async def refusing(batcher: MicroBatcher[str, int, int]) -> None:
    """Return when a batcher that another thread closes takes nothing new any more."""
    with pytest.raises(NotReady):
        while True:
            await batcher.submit([])
            await asyncio.sleep(0)


async def test_what_waits_together_is_worked_on_together() -> None:
    gate = Gate()
    batcher: MicroBatcher[str, int, int] = MicroBatcher(whole(gate), batch=4)
    tasks = [asyncio.create_task(batcher.submit([("a", i)])) for i in range(1)]
    await gate.wait_entered()
    tasks += [asyncio.create_task(batcher.submit([(key, i)])) for i, key in enumerate("aabaaa", 1)]
    await settle()
    gate.free.set()
    assert await asyncio.gather(*tasks) == [[0], [10], [20], [30], [40], [50], [60]]
    assert gate.batches == [("a", [0]), ("a", [1, 2, 4, 5]), ("b", [3]), ("a", [6])]
    batcher.close()


async def test_idle_workers_share_what_waits() -> None:
    gate = Gate()
    gate.free.set()
    batcher: MicroBatcher[str, int, int] = MicroBatcher(whole(gate), workers=2)
    assert await batcher.submit([("a", i) for i in (1, 2, 3, 4, 5)]) == [10, 20, 30, 40, 50]
    assert sorted(items for _, items in gate.batches) == [[1, 2, 3], [4, 5]]
    batcher.close()


async def test_what_is_long_goes_with_what_is_long_and_no_call_is_over_its_tokens() -> None:
    gate = Gate()
    gate.free.set()
    batcher: MicroBatcher[str, int, int] = MicroBatcher(whole(gate), tokens=lambda item: item)
    sizes = [10, 4000, 20, 2500, 30, 9000, 2600, 40]
    assert await batcher.submit([("a", size) for size in sizes]) == [size * 10 for size in sizes]
    assert [items for _, items in gate.batches] == [[9000], [4000, 2600], [2500, 40, 30], [20, 10]]
    assert all(len(i) == 1 or len(i) * max(i) <= MOST_TOKENS for _, i in gate.batches)
    gate.batches.clear()
    await batcher.submit([("a", size) for size in (10, 500, 20)])
    assert gate.batches == [("a", [10, 500, 20])]
    batcher.close()


async def test_who_leaves_while_a_part_of_their_batch_is_at_work_costs_nothing() -> None:
    calls: list[list[int]] = []
    together, entered, left = (threading.Event() for _ in range(3))

    def work(key: str, items: list[int]) -> list[int]:
        calls.append(items)
        if items == [1]:
            assert together.wait(30)
        else:
            entered.set()
            assert left.wait(30)
        return items

    batcher: MicroBatcher[str, int, int] = MicroBatcher(whole(work), tokens=lambda item: item)
    first, staying, leaving = (
        asyncio.create_task(batcher.submit([("a", i)])) for i in (1, 9000, 8000)
    )
    await settle()
    together.set()
    await asyncio.to_thread(entered.wait, 30)
    leaving.cancel()
    await settle()
    left.set()
    assert await first == [1] and await staying == [9000]
    await batcher.drain()
    assert calls == [[1], [9000]]
    batcher.close()


async def test_one_submit_may_hold_jobs_of_several_keys() -> None:
    gate = Gate()
    gate.free.set()
    batcher: MicroBatcher[str, int, int] = MicroBatcher(whole(gate))
    jobs = [("a", 1), ("b", 2), ("a", 3), ("b", 4)]
    assert await batcher.submit(jobs) == [10, 20, 30, 40]
    assert gate.batches == [("a", [1, 3]), ("b", [2, 4])]
    batcher.close()


async def test_a_long_request_delays_a_short_one_by_one_batch_whatever_their_keys() -> None:
    gate = Gate()
    batcher: MicroBatcher[str, int, int] = MicroBatcher(whole(gate), batch=4)
    long = asyncio.create_task(batcher.submit([("a", i) for i in range(20)]))
    await gate.wait_entered()
    short = [asyncio.create_task(batcher.submit([(key, 99)])) for key in "ab"]
    await settle()
    gate.free.set()
    await asyncio.gather(long, *short)
    first = [("a", [0, 1, 2, 3]), ("a", [99, 4, 5, 6]), ("b", [99])]
    assert gate.batches[:3] == first
    batcher.close()


async def test_one_poisoned_item_fails_alone_and_its_neighbours_are_answered() -> None:
    calls: list[int] = []

    def work(key: str, items: list[int]) -> list[int]:
        calls.append(len(items))
        if 5 in items:
            raise ValueError("the model cannot take 5")
        return items

    batcher: MicroBatcher[str, int, int] = MicroBatcher(whole(work))
    tasks = [asyncio.create_task(batcher.submit([("a", i)])) for i in range(17)]
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [r for r in results if not isinstance(r, BaseException)] == [
        [i] for i in range(17) if i != 5
    ]
    assert str(results[5]) == "the model cannot take 5"
    # The first call took the first item alone, and the rest waited for it.
    assert calls == [1, 16, 8, 4, 4, 2, 1, 1, 2, 8]
    batcher.close()


async def test_what_waits_when_the_model_is_closed_is_refused() -> None:
    gate = Gate()
    batcher: MicroBatcher[str, int, int] = MicroBatcher(whole(gate), batch=1)
    at_work = asyncio.create_task(batcher.submit([("a", 1)]))
    await gate.wait_entered()
    waiting = asyncio.create_task(batcher.submit([("a", 2)]))
    await settle()
    closing = asyncio.create_task(asyncio.to_thread(batcher.close))
    await refusing(batcher)
    gate.free.set()
    assert await at_work == [10]
    with pytest.raises(NotReady):
        await waiting
    await closing
    assert gate.batches == [("a", [1])]


async def test_an_error_reaches_only_the_callers_of_its_batch() -> None:
    gate = Gate()
    batcher: MicroBatcher[str, int, int] = MicroBatcher(whole(gate))
    tasks = [
        asyncio.create_task(batcher.submit([(key, i)])) for i, key in enumerate(["a", "bad", "a"])
    ]
    await gate.wait_entered()
    gate.free.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [results[0], results[2]] == [[0], [20]]
    assert isinstance(results[1], ValueError)
    batcher.close()


async def test_a_cancelled_caller_drops_out_of_the_queue() -> None:
    gate = Gate()
    batcher: MicroBatcher[str, int, int] = MicroBatcher(whole(gate))
    first = asyncio.create_task(batcher.submit([("a", 0)]))
    await gate.wait_entered()
    leaving, staying = (asyncio.create_task(batcher.submit([("a", i)])) for i in (1, 2))
    await settle()
    leaving.cancel()
    await settle()
    gate.free.set()
    assert await first == [0] and await staying == [20]
    assert leaving.cancelled()
    assert gate.batches == [("a", [0]), ("a", [2])]
    batcher.close()


async def test_drain_answers_what_was_taken_and_refuses_the_rest() -> None:
    gate = Gate()
    batcher: MicroBatcher[str, int, int] = MicroBatcher(whole(gate), batch=1)
    taken = asyncio.create_task(batcher.submit([("a", i) for i in (1, 2, 3)]))
    await gate.wait_entered()
    draining = asyncio.create_task(batcher.drain())
    await settle()
    with pytest.raises(NotReady):
        await batcher.submit([("a", 4)])
    assert not draining.done()
    gate.free.set()
    await draining
    assert await taken == [10, 20, 30]
    batcher.close()


async def test_work_of_the_wrong_length_is_an_error_and_not_a_hang() -> None:
    batcher: MicroBatcher[str, int, int] = MicroBatcher(whole(lambda key, items: items[1:]))
    with pytest.raises(ValueError):
        await batcher.submit([("a", 1), ("a", 2)])
    batcher.close()


async def test_beside_one_that_has_left_a_poisoned_item_fails_alone() -> None:
    """Of the call that failed one is left, who has nothing to do with it."""
    entered, left = threading.Event(), threading.Event()

    def work(key: str, items: list[int]) -> list[int]:
        if 5 in items:
            entered.set()
            assert left.wait(30)
            raise ValueError("the model cannot take 5")
        return items

    batcher: MicroBatcher[str, int, int] = MicroBatcher(whole(work))
    busy = asyncio.create_task(batcher.submit([("b", 0)]))
    leaving, staying = (asyncio.create_task(batcher.submit([("a", i)])) for i in (5, 6))
    await asyncio.to_thread(entered.wait, 30)
    leaving.cancel()
    await settle()
    left.set()
    assert await busy == [0] and await staying == [6]
    await batcher.drain()
    batcher.close()


async def run_interleaving(seed: int, workers: int, batch: int) -> None:
    """Callers come, go and fail in a seeded order; each must get its own answers or its error."""
    dice = random.Random(seed)
    batcher: MicroBatcher[int, tuple[int, int], tuple[int, int]] = MicroBatcher(
        whole(_work_of(batch)), batch=batch, workers=workers
    )

    async def call(caller: int) -> None:
        key = dice.randrange(3)
        items = [(caller, i) for i in range(dice.randrange(0, 5))]
        for _ in range(dice.randrange(3)):
            await asyncio.sleep(0)
        if key == 2 and items:
            with pytest.raises(ValueError):
                await batcher.submit([(key, item) for item in items])
        else:
            jobs = [(key, item) for item in items]
            assert await batcher.submit(jobs) == [(caller, i + key) for _, i in items]

    tasks = [asyncio.create_task(call(caller)) for caller in range(20)]
    leaving = dice.sample(tasks, 5)
    for task in leaving:
        await asyncio.sleep(0)
        task.cancel()
    done = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 30)
    for task, result in zip(tasks, done, strict=True):
        assert result is None or (task in leaving and isinstance(result, asyncio.CancelledError))
    await asyncio.wait_for(batcher.drain(), 30)
    batcher.close()


def _work_of(batch: int) -> Callable[[int, list[tuple[int, int]]], list[tuple[int, int]]]:
    def work(key: int, items: list[tuple[int, int]]) -> list[tuple[int, int]]:
        assert 1 <= len(items) <= batch
        if key == 2:
            raise ValueError("a key that always fails")
        return [(caller, i + key) for caller, i in items]

    return work


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), workers=st.integers(1, 3), batch=st.integers(1, 8))
def test_any_interleaving_answers_each_caller_its_own(seed: int, workers: int, batch: int) -> None:
    asyncio.run(run_interleaving(seed, workers, batch))

"""Continuous batching: what comes joins a call that is under way, and what is done leaves it."""

from __future__ import annotations

import asyncio
import queue
import threading

from predictors.scheduling.batching import MOST_TOKENS, MicroBatcher
from predictors.scheduling.calls import Call
from tests.waiting import settle


class Written:
    """Work that answers an item when the test says so, and then takes what has come meanwhile."""

    def __init__(self) -> None:
        self.taken: list[int] = []
        self.calls = 0
        self.entered = threading.Semaphore(0)
        self.done: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._told: set[int] = set()

    def __call__(self, key: str, call: Call[str, int, int]) -> None:
        self.calls += 1
        numbers: dict[int, int] = {}
        while True:
            new = call.take()
            self.taken += new.values()
            for _ in new:
                self.entered.release()
            numbers |= {item: number for number, item in new.items()}
            for item in [i for i, number in numbers.items() if call.drop_abandoned([number])]:
                del numbers[item]
            call.answer({numbers.pop(i): i * 10 for i in [*numbers] if i in self._told})
            if numbers:
                self._told.add(self.done.get(timeout=30))
            elif call.end():
                return

    async def take(self) -> None:
        """Return when it has taken one more."""
        assert await asyncio.to_thread(self.entered.acquire, timeout=30)


async def test_what_comes_joins_a_call_and_what_is_done_leaves_it() -> None:
    work = Written()
    batcher: MicroBatcher[str, int, int] = MicroBatcher(work, batch=2, joins=True)
    one = asyncio.create_task(batcher.submit([("a", 1)]))
    await work.take()
    two, three = (asyncio.create_task(batcher.submit([("a", i)])) for i in (2, 3))
    await settle()
    # There is room for one more.
    assert batcher.waiting == 1
    work.done.put(1)
    assert await one == [10]
    await work.take()
    # The other one came for the first, and nobody had to wait for all.
    assert not two.done() and batcher.waiting == 0
    for i, task in ((2, two), (3, three)):
        work.done.put(i)
        assert await task == [i * 10]
    assert work.taken == [1, 2, 3]
    await batcher.drain()
    batcher.close()


async def test_another_kind_waits_for_the_end_of_a_call() -> None:
    work = Written()
    batcher: MicroBatcher[str, int, int] = MicroBatcher(work, joins=True)
    tasks = [asyncio.create_task(batcher.submit([(key, i)])) for i, key in enumerate("ab", 1)]
    await work.take()
    await settle()
    assert batcher.waiting == 1
    for i, task in enumerate(tasks, 1):
        work.done.put(i)
        assert await task == [i * 10]
    assert work.taken == [1, 2] and work.calls == 2
    await batcher.drain()
    batcher.close()


async def test_who_leaves_a_call_makes_room_for_others() -> None:
    work = Written()
    batcher: MicroBatcher[str, int, int] = MicroBatcher(work, batch=2, joins=True)
    leaving = asyncio.create_task(batcher.submit([("a", 1), ("a", 2)]))
    await work.take()
    await settle()
    staying = asyncio.create_task(batcher.submit([("a", 3)]))
    await settle()
    assert batcher.waiting == 1
    leaving.cancel()
    await settle()
    assert batcher.waiting == 0
    for i in (1, 3):
        work.done.put(i)
    assert await staying == [30]
    await batcher.drain()
    batcher.close()


async def test_no_call_is_joined_beyond_its_tokens() -> None:
    work = Written()
    batcher: MicroBatcher[str, int, int] = MicroBatcher(work, joins=True, tokens=lambda item: item)
    first = asyncio.create_task(batcher.submit([("a", MOST_TOKENS // 2)]))
    await work.take()
    fitting, long = (
        asyncio.create_task(batcher.submit([("a", item)])) for item in (10, MOST_TOKENS)
    )
    await settle()
    assert batcher.waiting == 1
    for item, task in ((MOST_TOKENS // 2, first), (10, fitting), (MOST_TOKENS, long)):
        work.done.put(item)
        assert await task == [item * 10]
    assert work.calls == 2
    await batcher.drain()
    batcher.close()


async def test_a_call_that_is_always_joined_forgets_what_it_has_answered() -> None:
    """Or a model that is never left in peace would hold every text that it ever had."""
    held: list[int] = []
    ends = threading.Event()

    def work(key: str, call: Call[str, int, int]) -> None:
        first: dict[int, int] = {}
        while True:
            new = call.take()
            first |= {number: item for number, item in new.items() if not item}
            call.answer({number: item * 10 for number, item in new.items() if item})
            held.append(len(call._entries))
            if ends.is_set():
                call.answer(first)
                first = {}
                if call.end():
                    return

    batcher: MicroBatcher[str, int, int] = MicroBatcher(work, joins=True)
    first = asyncio.create_task(batcher.submit([("a", 0)]))
    for item in range(1, 100):
        assert await batcher.submit([("a", item)]) == [item * 10]
    assert not first.done()
    ends.set()
    assert await first == [0]
    await batcher.drain()
    assert max(held) <= 2
    batcher.close()

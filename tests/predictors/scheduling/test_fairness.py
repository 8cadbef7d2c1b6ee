"""Requests take turns: whoever asks for much delays whoever asks for little by one turn."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictors.scheduling.cores import Cores
from predictors.scheduling.fairness import FairQueue, FairSlots
from predictors.scheduling.request import Request, working_for


def filled(wanted: dict[str, str]) -> FairQueue[str, str]:
    """Owners, and a letter for the kind of each item that they have."""
    queue: FairQueue[str, str] = FairQueue()
    for owner, kinds in wanted.items():
        for i, kind in enumerate(kinds):
            queue.add(owner, kind, f"{owner}{i}")
    return queue


def test_each_owner_has_one_before_any_has_two() -> None:
    queue = filled({"A": "xxxxx", "B": "x", "C": "xx"})
    assert queue.take(4) == ["A0", "B0", "C0", "A1"]
    assert queue.take(9) == ["C1", "A2", "A3", "A4"]
    assert len(queue) == 0


def test_a_turn_is_of_one_kind_the_oldest_of_the_owner_whose_turn_it_is() -> None:
    queue = filled({"A": "xyx", "B": "yy"})
    assert [queue.take(9) for _ in range(2)] == [["A0", "A2"], ["B0", "A1", "B1"]]


def test_who_was_left_out_comes_first_and_who_comes_anew_before_who_was_served() -> None:
    queue = filled({"A": "xxx", "B": "y"})
    assert queue.take(1) == ["A0"]
    queue.add("C", "z", "C0")
    assert [queue.take(1) for _ in range(4)] == [["B0"], ["C0"], ["A1"], ["A2"]]


def test_what_is_taken_back_is_never_given_out() -> None:
    queue = filled({"A": "xx", "B": "x"})
    queue.remove("A", "x", "A0")
    queue.remove("A", "x", "A0")
    queue.remove("nobody", "x", "A0")
    queue.remove("B", "x", "B0")
    assert (len(queue), queue.take(9), len(queue)) == (1, ["A1"], 0)


@given(
    st.lists(st.tuples(st.integers(0, 5), st.sampled_from("xy")), max_size=60), st.integers(1, 8)
)
def test_all_are_served_in_turn_and_alike(items: list[tuple[int, str]], most: int) -> None:
    queue: FairQueue[str, int] = FairQueue()
    for i, (owner, kind) in enumerate(items):
        queue.add(owner, kind, i)
    waiting = Counter(items)
    unserved: Counter[int] = Counter()
    while queue:
        turn = Counter(items[i] for i in queue.take(most))
        [kind] = {kind for _, kind in turn}
        assert turn.total() == min(most, sum(n for (_, k), n in waiting.items() if k == kind))
        for owner, count in ((o, n) for (o, k), n in waiting.items() if k == kind and n):
            had = turn[owner, kind]
            assert had == count or had >= max(turn.values()) - 1
        waiting -= turn
        for owner in {owner for owner, _ in waiting}:
            unserved[owner] = 0 if turn[owner, kind] else unserved[owner] + 1
            assert unserved[owner] < len({owner for owner, _ in items})
    assert not waiting


async def hold(slots: FairSlots, request: Request, name: str, order: list[str]) -> None:
    with working_for(request):
        async with slots.one():
            order.append(name)
            await asyncio.sleep(0)


@pytest.mark.parametrize("count", [1, 2, 4])
async def test_a_long_request_delays_a_short_one_by_one_turn_at_a_slot(count: int) -> None:
    slots = FairSlots(count)
    order: list[str] = []
    long, short = Request("long"), Request("short")
    tasks = [asyncio.create_task(hold(slots, long, "long", order)) for _ in range(50)]
    await asyncio.sleep(0)
    tasks.append(asyncio.create_task(hold(slots, short, "short", order)))
    await asyncio.gather(*tasks)
    assert order.index("short") <= 2 * count
    assert len(order) == 51


async def test_a_slot_is_given_back_however_its_holder_ends() -> None:
    slots = FairSlots(1)
    entered, go = asyncio.Event(), asyncio.Event()

    async def fail() -> None:
        try:
            async with slots.one():
                entered.set()
                await go.wait()
                raise ValueError
        finally:
            # It has just been given the slot, and leaves before it can use it.
            passing.cancel()

    async def wait() -> str:
        async with slots.one():
            return "had it"

    failing = asyncio.create_task(fail())
    await entered.wait()
    leaving = asyncio.create_task(wait())
    passing = asyncio.create_task(wait())
    staying = asyncio.create_task(wait())
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.sleep(0)
    assert slots.waiting == 2
    go.set()
    assert await staying == "had it"
    assert passing.cancelled() and isinstance(failing.exception(), ValueError)
    assert await wait() == "had it"


class Held:
    """Work at a slot that goes on until it is let go. order: the names of all that began."""

    def __init__(self, slots: FairSlots, name: str, order: list[str], lends: bool = False) -> None:
        self._go = asyncio.Event()
        self.task = asyncio.create_task(self._work(slots, name, order, lends))

    async def _work(self, slots: FairSlots, name: str, order: list[str], lends: bool) -> None:
        async with slots.one(lends):
            order.append(name)
            await self._go.wait()

    async def end(self) -> None:
        self._go.set()
        await self.task
        await asyncio.sleep(0)


async def test_the_slots_of_two_models_share_one_core() -> None:
    cores, now, order = Cores(1), [0.0], list[str]()
    quick, slow = (FairSlots(1, cores=cores, clock=lambda: now[0]) for _ in range(2))
    for slots, seconds in ((quick, 1.0), (slow, 30.0)):
        first = Held(slots, "measured", order)
        await asyncio.sleep(0)
        now[0] += seconds
        await first.end()
    order.clear()
    busy = Held(quick, "busy", order)
    await asyncio.sleep(0)
    waiting = [Held(slow, "slow", order), Held(quick, "quick", order)]
    await asyncio.sleep(0)
    assert order == ["busy"]
    await busy.end()
    assert order == ["busy", "quick"]
    await waiting[1].end()
    await waiting[0].end()
    assert order == ["busy", "quick", "slow"]


async def test_a_second_slot_works_on_the_threads_of_the_first() -> None:
    cores, order = Cores(2), list[str]()
    many, other = FairSlots(2, threads=2, cores=cores), FairSlots(1, cores=cores)
    both = [Held(many, f"many {i}", order) for i in range(2)]
    third = Held(other, "other", order)
    await asyncio.sleep(0)
    assert order == ["many 0", "many 1"]
    await both[0].end()
    assert order == ["many 0", "many 1"]
    await both[1].end()
    assert order == ["many 0", "many 1", "other"]
    await third.end()


async def test_a_slot_may_lend_its_cores_and_stays_taken() -> None:
    cores, order = Cores(2), list[str]()
    chat, other = FairSlots(1, threads=2, cores=cores), FairSlots(1, threads=2, cores=cores)
    writing = Held(chat, "writing", order, lends=True)
    reading = Held(other, "reading", order)
    later = Held(chat, "later", order)
    await asyncio.sleep(0)
    assert order == ["writing", "reading"]
    await writing.end()
    assert order == ["writing", "reading"]
    await reading.end()
    assert order == ["writing", "reading", "later"]
    last = Held(other, "last", order)
    await asyncio.sleep(0)
    assert "last" not in order
    await later.end()
    await last.end()
    assert order[-1] == "last"


async def test_what_waits_at_closed_slots_still_gets_its_turn() -> None:
    cores, order = Cores(1), list[str]()
    slots = FairSlots(1, cores=cores)
    first, second = Held(slots, "first", order), Held(slots, "second", order)
    await asyncio.sleep(0)
    slots.close()
    await first.end()
    await second.end()
    assert order == ["first", "second"]

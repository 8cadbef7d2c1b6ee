"""Memory is given back once, after large batches and when nothing is asked any more."""

from __future__ import annotations

import asyncio
import resource
import threading
from pathlib import Path

import pytest

from predictors.engines.spare_memory import SpareMemory, trim


class GivesBack:
    def __init__(self) -> None:
        self.threads: list[threading.Thread] = []
        self.done = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def __call__(self) -> None:
        self.threads.append(threading.current_thread())
        self._loop.call_soon_threadsafe(self.done.set)


async def test_it_is_given_back_once_after_the_last_of_several_calls_and_off_the_loop() -> None:
    give_back = GivesBack()
    memory = SpareMemory(lambda: True, give_back, seconds=0.001)
    for is_large in (False, True, False):
        memory.note(is_large)
    await asyncio.wait_for(give_back.done.wait(), 30)
    assert len(give_back.threads) == 1
    assert give_back.threads[0] is not threading.current_thread()


async def test_calls_for_one_item_and_an_engine_that_is_closed_leave_it_as_it_is() -> None:
    give_back = GivesBack()
    alone, closed = (SpareMemory(lambda: True, give_back, seconds=0) for _ in range(2))
    alone.note(False)
    closed.note(True)
    closed.close()
    last = SpareMemory(lambda: True, give_back, seconds=0)
    last.note(True)
    await asyncio.wait_for(give_back.done.wait(), 30)
    assert len(give_back.threads) == 1


async def test_while_a_call_is_at_work_nothing_is_given_back_but_after_it_as_much() -> None:
    give_back, at_work, asked = GivesBack(), [1], asyncio.Event()

    def is_idle() -> bool:
        asked.set()
        return not at_work

    memory = SpareMemory(is_idle, give_back, seconds=0.001)
    memory.note(True)
    await asyncio.wait_for(asked.wait(), 30)
    assert not give_back.threads
    at_work.clear()
    memory.note(False)
    await asyncio.wait_for(give_back.done.wait(), 30)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux's /proc")
def test_what_glibc_keeps_of_small_blocks_goes_back_to_the_system() -> None:
    size, count = 60_000, 4000
    blocks = [bytearray(size) for _ in range(count)]
    # The last block stays, so that glibc cannot cut its heap by itself.
    del blocks[:-1]
    before = _resident_pages()
    trim()
    assert before - _resident_pages() > size * count / resource.getpagesize() / 2


def _resident_pages() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1])

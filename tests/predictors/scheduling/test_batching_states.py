"""The batcher as a state machine: no item is lost, doubled, crossed or left without a caller."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from predictors.scheduling.batching import MicroBatcher
from predictors.scheduling.request import Request, working_for

Item = tuple[int, int, bool]  # caller, place in its request, whether the model cannot take it
Answer = tuple[str, Item]


class ByHand(Executor):
    """Calls of the model, each of which runs when the test says so."""

    def __init__(self) -> None:
        self.calls: list[tuple[Future[Any], Callable[[], Any]]] = []

    def submit(self, work: Callable[..., Any], /, *args: Any, **_: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.calls.append((future, lambda: work(*args)))
        return future

    def run(self, index: int) -> None:
        future, work = self.calls.pop(index)
        future.set_running_or_notify_cancel()
        try:
            future.set_result(work())
        except Exception as err:
            future.set_exception(err)


@dataclass
class Caller:
    jobs: list[tuple[str, Item]]
    task: asyncio.Task[list[Answer]]
    cancelled: bool = False

    @property
    def poisoned(self) -> bool:
        return any(item[2] for _, item in self.jobs)


class Batching(RuleBasedStateMachine):
    @initialize(batch=st.integers(1, 4), workers=st.integers(1, 3))
    def start(self, batch: int, workers: int) -> None:
        self.loop = asyncio.new_event_loop()
        self.threads = ByHand()
        self.workers = workers
        self.seen: list[list[Item]] = []
        self.batcher: MicroBatcher[str, Item, Answer] = MicroBatcher(
            self.work, batch=batch, workers=workers, threads=self.threads
        )
        self.batch = batch
        self.callers: list[Caller] = []
        self.requests = [Request("a"), Request("b"), Request("c")]

    def work(self, key: str, items: list[Item]) -> list[Answer]:
        assert 1 <= len(items) <= self.batch
        self.seen.append(items)
        if any(poison for _, _, poison in items):
            raise ValueError("the model cannot take this")
        return [(key, item) for item in items]

    def settle(self) -> None:
        """Let every coroutine run as far as it can."""

        async def turn() -> None:
            for _ in range(12):
                await asyncio.sleep(0)

        self.loop.run_until_complete(turn())

    @rule(
        whose=st.integers(0, 2),
        kinds=st.lists(
            st.tuples(st.sampled_from("xyz"), st.integers(0, 9).map(lambda n: n == 0)), max_size=7
        ),
    )
    def ask(self, whose: int, kinds: list[tuple[str, bool]]) -> None:
        number = len(self.callers)
        jobs = [(key, (number, i, poison)) for i, (key, poison) in enumerate(kinds)]

        async def call() -> list[Answer]:
            with working_for(self.requests[whose]):
                return await self.batcher.submit(jobs)

        task = self.loop.create_task(call())
        # Read at once: asyncio would report the error of an example that hypothesis gives up.
        task.add_done_callback(lambda task: task.cancelled() or task.exception())
        self.callers.append(Caller(jobs, task))
        self.settle()

    @precondition(lambda self: self.threads.calls)
    @rule(data=st.data())
    def finish_a_call(self, data: st.DataObject) -> None:
        self.threads.run(data.draw(st.integers(0, len(self.threads.calls) - 1)))
        self.settle()

    @precondition(lambda self: self.callers)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        caller = data.draw(st.sampled_from(self.callers))
        if not caller.task.done():
            caller.cancelled = True
            caller.task.cancel()
            self.settle()

    @invariant()
    def nothing_waits_while_a_worker_is_idle(self) -> None:
        if self.batcher.waiting:
            assert len(self.threads.calls) == self.workers

    @invariant()
    def nothing_waits_without_a_caller(self) -> None:
        wanted = sum(len(c.jobs) for c in self.callers if not c.task.done())
        assert self.batcher.waiting <= wanted

    @invariant()
    def each_caller_has_its_own_answers_or_its_own_error(self) -> None:
        for caller in (c for c in self.callers if c.task.done()):
            if caller.cancelled:
                assert caller.task.cancelled()
            elif caller.poisoned:
                assert isinstance(caller.task.exception(), ValueError)
            else:
                assert caller.task.result() == caller.jobs

    @invariant()
    def nothing_is_worked_on_twice(self) -> None:
        """Unless the call in which it was failed, which never happens to it alone."""
        well = Counter(i for items in self.seen if not any(p for *_, p in items) for i in items)
        assert all(count == 1 for count in well.values())

    def teardown(self) -> None:
        if not hasattr(self, "loop"):
            return
        while self.threads.calls:
            self.threads.run(0)
            self.settle()
        assert all(caller.task.done() for caller in self.callers)
        assert self.batcher.waiting == 0
        self.loop.run_until_complete(self.batcher.drain())
        self.loop.close()


TestBatching = Batching.TestCase
TestBatching.settings = settings(max_examples=80, stateful_step_count=30, deadline=None)

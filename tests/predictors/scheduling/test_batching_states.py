"""The batcher as a state machine: no item is lost, doubled, crossed or left without a caller."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from predictors.scheduling.batching import MicroBatcher
from predictors.scheduling.calls import Call, whole
from predictors.scheduling.cores import Cores
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
        self.batch = batch
        self.batcher = self.make()
        self.callers: list[Caller] = []
        self.requests = [Request("a"), Request("b"), Request("c")]

    def make(self) -> MicroBatcher[str, Item, Answer]:
        return MicroBatcher(
            whole(self.work),
            batch=self.batch,
            workers=self.workers,
            threads=self.threads,
            cores=self.shared_cores(),
        )

    def shared_cores(self) -> Cores:
        """Cores of another model, too, which has nothing to do; a moment ends at once."""
        cores = Cores(self.workers, lambda _, what: self.loop.call_soon(what))
        MicroBatcher[str, Item, Answer](lambda key, call: None, cores=cores, threads=ByHand())
        return cores

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


class Stepper(ByHand):
    """Calls that go on by a step when the test says so: `run` does what is left of one."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[Step] = []

    def submit(self, work: Callable[..., Any], /, *args: Any, **_: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()
        self.steps.append(Step(future, args[1]))
        self.calls.append((future, lambda: None))
        return future

    def step(self, index: int, choose: Callable[[int], bool], seen: list[list[Item]]) -> None:
        """Take what came, fail for what cannot be taken, and answer those that are chosen."""
        step = self.steps[index]
        step.open |= step.call.take()
        step.seen += [item for item in step.open.values() if item not in step.seen]
        for number in step.call.drop_abandoned([*step.open]):
            del step.open[number]
        if any(poison for *_, poison in step.open.values()):
            return self._end(index, ValueError("the model cannot take this"))
        done = {n: (step.call.key, item) for n, item in step.open.items() if choose(n)}
        step.open = {n: item for n, item in step.open.items() if n not in done}
        step.call.answer(done)
        seen += [[item] for _, item in done.values()]
        if not step.open and step.call.end():
            self._end(index, None)

    def run(self, index: int) -> None:
        future = self.calls[index][0]
        while not future.done():
            self.step(index, lambda _: True, [])

    def _end(self, index: int, err: Exception | None) -> None:
        step = self.steps.pop(index)
        self.calls.pop(index)
        if err is None:
            step.future.set_result(None)
        else:
            step.future.set_exception(err)


@dataclass
class Step:
    future: Future[Any]
    call: Call[str, Item, Answer]
    open: dict[int, Item] = field(default_factory=dict)
    seen: list[Item] = field(default_factory=list)


class Joining(Batching):
    """The same of calls that are joined while they are under way."""

    threads: Stepper

    def make(self) -> MicroBatcher[str, Item, Answer]:
        self.threads = Stepper()
        return MicroBatcher(
            lambda key, call: None,
            batch=self.batch,
            workers=self.workers,
            threads=self.threads,
            cores=self.shared_cores(),
            joins=True,
        )

    @precondition(lambda self: self.threads.calls)
    @rule(data=st.data())
    def a_step_of_a_call(self, data: st.DataObject) -> None:
        index = data.draw(st.integers(0, len(self.threads.calls) - 1))
        self.threads.step(index, lambda _: data.draw(st.booleans()), self.seen)
        self.settle()

    @invariant()
    def what_is_next_joins_a_call_that_has_room(self) -> None:
        """And no call has more than it may."""
        for call in self.batcher._calls:
            assert len(call.left) <= self.batch
            if self.batcher.waiting and call.key == self.batcher._waiting.next_kind():
                assert not call.is_open or len(call.left) == self.batch


TestBatching = Batching.TestCase
TestBatching.settings = settings(max_examples=80, stateful_step_count=30, deadline=None)

TestJoining = Joining.TestCase
TestJoining.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)

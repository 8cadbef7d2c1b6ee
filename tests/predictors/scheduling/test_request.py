"""The request at work is known to all that works for it, and to nothing else."""

import asyncio

from predictors.door.handler import Handler
from predictors.engines.loop_thread import LoopThread
from predictors.scheduling.request import Request, current_request, working_for
from tests.predictors.door.waiting import BODY, Waits


class Notes(Waits):
    """Notes the request at work wherever work may go on."""

    def __init__(self):
        super().__init__()
        self.thread = LoopThread("notes")
        self.seen = []

    async def predict(self, instances):
        async def elsewhere():
            return current_request()

        task = asyncio.create_task(elsewhere())
        self.seen.append(
            [
                current_request(),
                await task,
                await asyncio.to_thread(current_request),
                await self.thread.run(elsewhere()),
            ]
        )
        return instances


async def nothing():
    pass


async def test_tasks_threads_and_other_loops_know_the_request_at_work():
    predictor = Notes()
    handler = Handler(predictor)
    handler.load()
    try:
        answers = await asyncio.gather(*(handler.answer(BODY) for _ in range(3)))
    finally:
        predictor.thread.close(nothing())
    assert [answer.status for answer in answers] == [200, 200, 200]
    assert [len(set(seen)) for seen in predictor.seen] == [1, 1, 1]
    assert len({seen[0] for seen in predictor.seen}) == 3
    assert {seen[0].predictor for seen in predictor.seen} == {"waits"}


async def test_outside_of_a_request_each_call_is_one_of_its_own():
    assert current_request() is not current_request()
    with working_for(Request("chat")):
        assert current_request() is current_request()
    assert current_request().predictor == ""

"""How long the event loop is held by the hostile requests: `make lag`.

The predictors run in this process on models that answer at once, so that what is measured is what
they do themselves; each request goes through one after another. A coroutine that wants to run each
millisecond notes how late it comes, and how much of the processor the loop's own thread had
meanwhile: the latter does not depend on what else the machine does.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import dataclass

from predictors.chat.model import Chat
from predictors.chat.prompt import ChatTemplatePrompt
from predictors.door.handler import Handler
from predictors.engine import Sampling
from tests.application.hostile import HOSTILE
from tests.fakes import FakeEngine, predictors

MOST_MILLISECONDS = 20.0
_TICK = 0.001


@dataclass
class Lag:
    """Milliseconds at most between two turns of the loop. held: of its thread's processor time."""

    late: float = 0.0
    held: float = 0.0


async def watch(lag: Lag) -> None:
    while True:
        started, used = time.perf_counter(), time.thread_time()
        await asyncio.sleep(_TICK)
        lag.late = max(lag.late, 1e3 * (time.perf_counter() - started - _TICK))
        lag.held = max(lag.held, 1e3 * (time.thread_time() - used))


async def measure() -> int:
    engine = FakeEngine(lambda text: "Yes.", context=4_096)
    chat = Handler(Chat("chat", engine, ChatTemplatePrompt(""), Sampling(max_tokens=100)))
    chat.load()
    detector, to_english, to_french, _ = predictors(lambda text: "Yes.")
    handlers = [detector, to_english, chat, to_french]
    worst = 0.0
    print(f"{'request':36} {'predictor':16} {'held ms':>8} {'late ms':>8} {'status':>7}")
    for name, body, _ in HOSTILE:
        for handler in handlers:
            lag = Lag()
            watching = asyncio.create_task(watch(lag))
            await asyncio.sleep(_TICK)
            answer = await handler.answer(body)
            await asyncio.sleep(2 * _TICK)
            watching.cancel()
            told = f"{lag.held:8.1f} {lag.late:8.1f} {answer.status:7}"
            print(f"{name:36} {handler.name:16} {told}")
            worst = max(worst, lag.held)
            if answer.status != 200:
                break
            # As KServe's router maps it.
            body = json.dumps({"instances": json.loads(answer.body)["predictions"]}).encode()
    return int(worst > MOST_MILLISECONDS)


if __name__ == "__main__":
    sys.exit(asyncio.run(measure()))

"""Models one after the other by Parley's engines alone, a batch at a time: a program of jobs.

Nothing else runs meanwhile and every batch is full from its beginning, so this is what a service
around the engines could reach and not more.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence

from predictors.engine import Sampling
from predictors.engines.factory import choose_engine
from predictors.settings import ModelSettings
from tests.benchmarks.peers.program import serve_jobs
from tests.benchmarks.weights.searches import prefix_of


class Engines:
    """folders: the conversions by family, in the order in which a text goes through them.

    Each runs on the engine that a predictor would choose for it.
    """

    def __init__(self, folders: dict[str, str], device: str = "cpu") -> None:
        self._engines = {
            family: choose_engine(
                ModelSettings(model_name=family, model=folder, device=device), os.environ
            )
            for family, folder in folders.items()
        }
        for engine in self._engines.values():
            engine.load()
        # The loop that the batches of the engines live in.
        self._loop = asyncio.new_event_loop()

    def answer(self, texts: Sequence[str]) -> list[str]:
        return self._loop.run_until_complete(self._answer(list(texts)))

    def close(self) -> None:
        self._loop.run_until_complete(_settle())
        self._loop.close()
        for engine in self._engines.values():
            engine.close()

    async def _answer(self, texts: list[str]) -> list[str]:
        for family, engine in self._engines.items():
            asked = [prefix_of(family) + text for text in texts]
            answers = await engine.generate(asked, Sampling())
            texts = [answer.strip() for answer in answers]
        return texts


async def _settle() -> None:
    """A batch ends a moment after it is answered."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.gather(*others)


if __name__ == "__main__":
    serve_jobs(Engines(dict(each.split("=", 1) for each in sys.argv[1:])).answer)

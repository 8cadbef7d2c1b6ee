"""The turn by Parley's engines alone, a batch at a time through each: a program of jobs.

Nothing else runs meanwhile and every batch is full from its beginning, so this is what a service
around the engines could reach and not more.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from predictors.engine import Sampling
from predictors.engines.cpu import cpu_limit
from predictors.engines.ctranslate2 import CTranslate2
from tests.benchmarks.peers.program import serve_jobs
from tests.benchmarks.weights.searches import PREFIX


class Turn:
    """folders: the conversions of the models of a turn, in order; the last one is told its task."""

    def __init__(self, folders: Sequence[str]) -> None:
        self._engines = [
            CTranslate2(Path(folder), Path(folder).name, threads=cpu_limit(), device="cpu")
            for folder in folders
        ]
        for engine in self._engines:
            engine.load()
        # The loop that the batches of the engines live in.
        self._loop = asyncio.new_event_loop()

    def answer(self, texts: Sequence[str]) -> list[str]:
        return self._loop.run_until_complete(self._answer(list(texts)))

    async def _answer(self, texts: list[str]) -> list[str]:
        for number, engine in enumerate(self._engines):
            prefix = PREFIX if number == 2 else ""
            answers = await engine.generate([prefix + text for text in texts], Sampling())
            texts = [answer.strip() for answer in answers]
        return texts


if __name__ == "__main__":
    serve_jobs(Turn(sys.argv[1:]).answer)

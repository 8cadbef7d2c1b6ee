"""A server whose chat model blocks a thread until a FIFO is written: `python -m`, FIFO, seconds."""

import asyncio
import sys
from pathlib import Path

from graph.http import server
from graph.local import serve
from predictors.chat.model import Chat
from tests.fakes import FakeEngine, embedded_graph, predictors


class Blocks(FakeEngine):
    """An engine that reads its answer from a FIFO, on a thread that nothing can stop."""

    def __init__(self, fifo):
        super().__init__(str, context=200_000)
        self.fifo = Path(fifo)

    async def generate(self, prompts, sampling):
        print("the model works", file=sys.stderr, flush=True)
        return [await asyncio.to_thread(self.fifo.read_text) for _ in prompts]


def main(fifo, drain_seconds):
    serve.DRAIN_SECONDS = float(drain_seconds)
    server.HURRY_SECONDS = server.CLOSE_SECONDS = 0.5
    handlers = predictors()
    chat = handlers[3].predictor
    assert isinstance(chat, Chat)
    chat._engine = Blocks(fifo)
    serve.serve_local(
        embedded_graph(handlers), "127.0.0.1", 0, lambda line: print(line, file=sys.stderr)
    )


if __name__ == "__main__":
    main(*sys.argv[1:])

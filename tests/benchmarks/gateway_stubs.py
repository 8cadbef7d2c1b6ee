"""The shipped graph's services on models that only take their time, in a process of their own.

    python -m tests.benchmarks.gateway_stubs [--sentences 5] [--pause 0.03] [--translation 0.1]

The chat writes a word each `pause` seconds, streamed or not, and a translator takes `translation`
seconds for each sentence. The first line says where they are served; `GET /asked` answers how many
turns the detector has received so far.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

from graph.asgi import Receive, Scope, Send, json_answer, send_answer
from graph.contract import Instance
from graph.http.server import Server, StopSignals, listen, stop_or_hurry, url_of
from graph.local.app import app_of
from graph.local.build import LocalGraph, read_file
from graph.spec.load import choose_graph
from predictors.chat.model import Chat
from predictors.chat.prompt import ChatTemplatePrompt
from predictors.detector.model import Detector
from predictors.door.handler import Handler
from predictors.engine import Prompt, Sampling
from predictors.predictor import Predictor
from predictors.translator.quality import Translated
from tests.fakes import TO_ENGLISH, TO_FRENCH, FakeEngine, Words, translator

# Turns at once, over which a predictor refuses: more than any of the loads.
_INFLIGHT = 2000
ASKED = "/asked"
# Eight words, and another one each time: what is the same is translated once.
_SENTENCE = "This is the sentence with the number {}."


@dataclass(frozen=True)
class Pace:
    """sentences: of an answer.  pause: seconds a word.  translation: seconds a sentence."""

    sentences: int = 5
    pause: float = 0.03
    translation: float = 0.1


class Paced(FakeEngine):
    def __init__(self, pace: Pace) -> None:
        text = " ".join(_SENTENCE.format(i + 1) for i in range(pace.sentences))
        super().__init__(lambda said: text, 200_000)
        self._pause = pace.pause

    async def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> list[str]:
        texts = await super().generate(prompts, sampling)
        await asyncio.sleep(self._pause * max(len(text.split()) for text in texts))
        return texts

    async def stream(self, prompt: Prompt, sampling: Sampling) -> AsyncGenerator[str, None]:
        [text] = await super().generate([prompt], sampling)
        for word in text.split():
            await asyncio.sleep(self._pause)
            yield f"{word} "


class PacedWords(Words):
    def __init__(self, mark: str, pace: Pace) -> None:
        super().__init__(mark)
        self._seconds = pace.translation

    async def translate(self, texts: Sequence[str]) -> list[Translated]:
        await asyncio.sleep(self._seconds * len(texts))
        return await super().translate(texts)


class Counting(Detector):
    """asked: turns so far."""

    asked = 0

    async def predict(self, instances: list[Instance]) -> list[Instance]:
        self.asked += len(instances)
        return await super().predict(instances)


def services(pace: Pace, detector: Detector) -> LocalGraph:
    engine = Paced(pace)
    made: list[Predictor] = [
        detector,
        translator("translate-fr-en", engine, PacedWords("en:", pace), TO_ENGLISH),
        translator("translate-en-fr", engine, PacedWords("fr:", pace), TO_FRENCH),
        Chat("chat", engine, ChatTemplatePrompt(""), Sampling(max_tokens=100_000)),
    ]
    handlers = [Handler(each, max_inflight=_INFLIGHT, max_queue_seconds=3600) for each in made]
    for handler in handlers:
        handler.load()
    objects = read_file("")
    graph = choose_graph(objects, "embedded.yaml")
    by_name = {handler.name: handler for handler in handlers}
    return LocalGraph(graph, by_name, services=objects.services)


async def _serve(pace: Pace) -> None:
    detector = Counting("detector", ("en", "fr"), "en")
    graph = app_of(services(pace, detector))

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == ASKED:
            await send_answer(send, json_answer(200, detector.asked))
        else:
            await graph(scope, receive, send)

    with StopSignals() as signals, listen("127.0.0.1", 0) as listener:
        server = Server(app, 1)
        signals.attach(lambda _: stop_or_hurry(server, lambda line: None))
        print(f"stubs: served at {url_of(listener)}", file=sys.stderr, flush=True)
        await server.serve(sockets=[listener])


def main(argv: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="tests.benchmarks.gateway_stubs", description=__doc__)
    parser.add_argument("--sentences", type=int, default=Pace.sentences)
    parser.add_argument("--pause", type=float, default=Pace.pause)
    parser.add_argument("--translation", type=float, default=Pace.translation)
    options = parser.parse_args(argv)
    asyncio.run(_serve(Pace(options.sentences, options.pause, options.translation)))


if __name__ == "__main__":
    main(sys.argv[1:])

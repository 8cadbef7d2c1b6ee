"""A fake at the engine seam, and the graph of the manifests on it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from graph.errors import EngineError
from graph.local.build import LocalGraph, read_file
from graph.spec.load import choose_graph
from predictors.chat.model import Chat
from predictors.chat.prompt import ChatTemplatePrompt
from predictors.detector.model import Detector
from predictors.door.handler import Handler
from predictors.engine import Engine, EngineInfo, Message, Prompt, Sampling, without_languages
from predictors.predictor import Predictor
from predictors.translator.model import Translator
from predictors.translator.pair import Pair, PairTranslator, Strategy
from predictors.translator.quality import Translated


class FakeEngine:
    """An Engine whose texts come from a function of the prompt's last words; a word is a token."""

    def __init__(self, reply: Callable[[str], str], context: int = 2048) -> None:
        self.reply = reply
        self.info = EngineInfo("fake", context, has_chat_template=True)
        self.prompts: list[Prompt] = []
        self.samplings: list[Sampling] = []

    def load(self) -> None:
        pass

    def close(self) -> None:
        pass

    async def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> list[str]:
        self.prompts += prompts
        self.samplings.append(sampling)
        await asyncio.sleep(0)
        return [self.reply(said(prompt)) for prompt in prompts]

    async def count_tokens(self, prompt: Prompt) -> int:
        asked = without_languages(prompt, "fake")
        texts = [asked] if isinstance(asked, str) else [message.content for message in asked]
        return sum(len(text.split()) for text in texts)


def said(prompt: Prompt) -> str:
    """What the person said: the last message, or the whole text."""
    asked = without_languages(prompt, "fake")
    last = asked if isinstance(asked, str) else asked[-1]
    return last.content if isinstance(last, Message) else last


def broken(text: str) -> str:
    """A reply of an engine that fails."""
    raise EngineError("fake: the engine is broken")


class Words:
    """A Strategy that puts a mark before each sentence, so that the way of a text can be read."""

    def __init__(self, mark: str) -> None:
        self.mark = mark

    def check(self) -> None:
        pass

    async def translate(self, texts: Sequence[str]) -> list[Translated]:
        return [Translated(f"{self.mark}{text}") for text in texts]


TO_ENGLISH = Pair("fr", "en", "user_input", "user_input_en")
TO_FRENCH = Pair("en", "fr", "response_en", "response")


def translator(name: str, engine: Engine, strategy: Strategy, pair: Pair) -> Translator:
    """A translator of one pair."""
    return Translator(name, engine, [PairTranslator(pair, strategy)])


def predictors(
    reply: Callable[[str], str] = "You said: {}".format, context: int = 200_000
) -> list[Handler]:
    """The four predictors of the manifests, on fakes, loaded: detector, translators, chat."""
    engine = FakeEngine(reply, context=context)
    made: list[Predictor] = [
        Detector("detector", ("en", "fr"), "en"),
        translator("translate-fr-en", engine, Words("en:"), TO_ENGLISH),
        translator("translate-en-fr", engine, Words("fr:"), TO_FRENCH),
        Chat("chat", engine, ChatTemplatePrompt(""), Sampling(max_tokens=100_000)),
    ]
    handlers = [Handler(predictor) for predictor in made]
    for handler in handlers:
        handler.load()
    return handlers


def embedded_graph(handlers: Sequence[Handler]) -> LocalGraph:
    """The shipped graph, with these handlers in the place of its services."""
    graph = choose_graph(read_file(""), "embedded.yaml")
    return LocalGraph(graph, {handler.name: handler for handler in handlers})

"""An engine that answers by a function and remembers what it was asked: the seam of these tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from predictors.engine import EngineInfo, Prompt, Sampling, Translation
from predictors.translator.quality import Translated


def reverse(text: str) -> str:
    return text[::-1]


class FakeEngine:
    """`answer(text)` gets the last text to translate of a prompt; `calls` holds every call."""

    def __init__(
        self, answer: Callable[[str], str] = reverse, *, has_chat_template: bool = False
    ) -> None:
        self._answer = answer
        self.calls: list[tuple[list[Prompt], Sampling]] = []
        self.loaded = False
        self.info = EngineInfo("fake", 2048, has_chat_template=has_chat_template)

    def load(self) -> None:
        self.loaded = True

    def close(self) -> None:
        self.loaded = False

    async def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> list[str]:
        self.calls.append((list(prompts), sampling))
        return [self._answer(asked(prompt)) for prompt in prompts]

    async def count_tokens(self, prompt: Prompt) -> int:
        return len(asked(prompt).split())


class FakeStrategy:
    """Translates by a function; `asked` holds the texts of each call."""

    def __init__(self, answer: Callable[[str], str] = str.upper) -> None:
        self._answer = answer
        self.asked: list[list[str]] = []

    def check(self) -> None:
        pass

    async def translate(self, texts: Sequence[str]) -> list[Translated]:
        self.asked.append(list(texts))
        return [Translated(self._answer(text)) for text in texts]


def asked(prompt: Prompt) -> str:
    """The text that a prompt wants translated, without the form's own words."""
    if not isinstance(prompt, str):
        return prompt.text if isinstance(prompt, Translation) else prompt[-1].content
    last = prompt.rstrip().rsplit("\n\n", 1)[-1]
    source = last.split("\n")[0]
    return source.partition(": ")[2].strip('"')

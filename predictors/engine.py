"""The interface that every engine has, and nothing else.

An engine turns prompts into texts. It batches across concurrent callers by itself, never blocks the
event loop, and knows nothing of languages, turns or HTTP: those are the predictors' business.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Protocol, Self, runtime_checkable

from graph.errors import EngineError


@dataclass(frozen=True)
class Sampling:
    """How to generate; what is None is left to the model's own generation config.

    max_tokens: new tokens at most.  temperature: 0 is greedy and reproducible.
    repetition_penalty: over 1 makes what was said less likely (transformers' definition).
    seed: the same gives the same text, but not on ctranslate2, which seeds a thread only once.
    stop: texts at which generation ends, themselves left out.  num_beams: beam search width.
    """

    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    repetition_penalty: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    num_beams: int | None = None


GREEDY = Sampling(temperature=0.0)


@dataclass(frozen=True)
class Message:
    """One message of a chat, for models with a chat template. role: system, user or assistant."""

    role: str
    content: str


class Prefixed(str):
    """A text whose beginning, `prefix`, many prompts share: an engine may read that part once."""

    prefix: str

    def __new__(cls, prefix: str, rest: str) -> Self:
        text = super().__new__(cls, prefix + rest)
        text.prefix = prefix
        return text


@dataclass(frozen=True)
class Translation:
    """A text for a model of many languages, which are named by codes of `EngineInfo.languages`."""

    text: str
    source: str
    target: str


Prompt = str | tuple[Message, ...] | Translation


@dataclass(frozen=True)
class EngineInfo:
    """What an engine says of the model that it has loaded.

    context: positions (tokens) that a prompt and its answer share; in an encoder-decoder the prompt
    has them to itself.  family: the architecture, such as blenderbot, t5 or llama; empty where the
    engine cannot know it.  device: where the model runs, such as cpu; empty where that is unknown.
    max_new_tokens: the checkpoint's own maximum for an answer, None where it states none.
    tasks: the prefix that asks for each task, by the checkpoint's names, as translation_en_to_fr.
    languages: of a model that must be told from which into which it translates, the codes that its
    checkpoint has for them, such as fr, fr_XX or fra_Latn.
    """

    model: str
    context: int
    family: str = ""
    is_encoder_decoder: bool = False
    has_chat_template: bool = False
    device: str = ""
    max_new_tokens: int | None = None
    tasks: Mapping[str, str] = field(default_factory=dict)
    languages: tuple[str, ...] = ()


class Engine(Protocol):
    """`load` may block for seconds and is called once, off the event loop; `close` frees all."""

    def load(self) -> None: ...

    def close(self) -> None: ...

    @property
    def info(self) -> EngineInfo:
        """Valid after `load`."""
        ...

    async def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> list[str]:
        """One text per prompt, in order. Raises EngineError, Overloaded, NotReady."""
        ...

    async def count_tokens(self, prompt: Prompt) -> int:
        """Tokens of the prompt as the model would read it, template and special tokens included."""
        ...


@runtime_checkable
class Streaming(Protocol):
    """What an engine has besides, if it can give a text while it is being written."""

    def stream(self, prompt: Prompt, sampling: Sampling) -> AsyncGenerator[str, None]:
        """The parts of one text, as they come. Whoever leaves early stops the generation.

        Raises what `generate` raises, before the first part or after any.
        """
        ...


async def text_in_parts(
    engine: Engine, prompt: Prompt, sampling: Sampling
) -> AsyncGenerator[str, None]:
    """One text in the parts in which the engine gives it: whole where it can only do that."""
    if isinstance(engine, Streaming):
        async with aclosing(engine.stream(prompt, sampling)) as parts:
            async for part in parts:
                yield part
    else:
        [text] = await engine.generate([prompt], sampling)
        yield text


def size_of(prompt: Prompt) -> int:
    """Characters of the prompt's own texts."""
    if isinstance(prompt, Translation):
        return len(prompt.text)
    return len(prompt) if isinstance(prompt, str) else sum(len(each.content) for each in prompt)


def without_languages(prompt: Prompt, model: str) -> str | tuple[Message, ...]:
    """The prompt for a model that is told no languages. Raises EngineError for a Translation."""
    if isinstance(prompt, Translation):
        raise EngineError(f"{model}: is told no languages, so it takes a text or messages")
    return prompt

"""Prompt formats: how history and message become the prompt that a kind of model reads.

A format fits the conversation into the model's context: the oldest turns go first, the new message
never. It knows nothing of HTTP or of other languages than the model's own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from graph.errors import ModelError, RequestError
from predictors.chat.examples import ExampleTurn
from predictors.engine import Engine, EngineInfo, Message, Prompt, Sampling

# Text has seldom fewer characters a token, so a few rooms' worth of them seldom fits.
CHARACTERS_PER_TOKEN = 6


class DoesNotFit(Exception):
    """The new message alone is too long. tokens: its prompt's; room: what the model can take."""

    def __init__(self, tokens: int, room: int) -> None:
        super().__init__(f"{tokens} tokens, the model takes {room}")
        self.tokens = tokens
        self.room = room


@dataclass(frozen=True)
class Fitted:
    """A prompt that fits the model's context; dropped: the oldest texts of the history left out."""

    prompt: Prompt
    dropped: int


@dataclass(frozen=True)
class Said:
    """What is to be answered. history: the texts before it, oldest first.  system: what the model
    is told besides."""

    history: Sequence[str]
    message: str
    system: str = ""


class PromptFormat(Protocol):
    def check(self, info: EngineInfo) -> None:
        """Called once the engine is loaded. Raises ModelError for a model that cannot chat."""
        ...

    async def prompt(self, engine: Engine, said: Said, answer_tokens: int) -> Fitted:
        """A prompt that leaves room for `answer_tokens`.

        Raises DoesNotFit, and RequestError for a system message to a model that takes none.
        """
        ...

    def sampling(self, info: EngineInfo, wanted: Sampling) -> Sampling:
        """`wanted`, with the format's own values where it says None."""
        ...


class PromptByModel:
    """The format of the model that the engine has loaded."""

    def __init__(self, system_prompt: str, examples: Sequence[ExampleTurn] = ()) -> None:
        self._chat_template = ChatTemplatePrompt(system_prompt, examples)
        self._blenderbot = BlenderbotPrompt()

    def check(self, info: EngineInfo) -> None:
        self._format(info).check(info)

    async def prompt(self, engine: Engine, said: Said, answer_tokens: int) -> Fitted:
        chosen = self._format(engine.info)
        return await chosen.prompt(engine, said, answer_tokens)

    def sampling(self, info: EngineInfo, wanted: Sampling) -> Sampling:
        return self._format(info).sampling(info, wanted)

    def _format(self, info: EngineInfo) -> PromptFormat:
        return self._blenderbot if info.family == "blenderbot" else self._chat_template


class BlenderbotPrompt:
    """Blenderbot: the turns one after another, each ended and begun by the model's own tokens.

    The encoder reads the conversation and the decoder writes the answer, so they share no context.
    The model has no roles and no system prompt, and generates as its checkpoint says: by beams.
    """

    separator = "</s><s>"

    def check(self, info: EngineInfo) -> None:
        """Every Blenderbot can chat."""

    async def prompt(self, engine: Engine, said: Said, answer_tokens: int) -> Fitted:
        if said.system:
            raise RequestError("messages", f"{engine.info.model} takes no system message")
        turns = [self._plain(text) for text in (*said.history, said.message)]

        async def tokens(dropped: int) -> int:
            return await engine.count_tokens(self.separator.join(turns[dropped:]))

        dropped = await fewest_dropped(tokens, said.history, engine.info.context)
        return Fitted(self.separator.join(turns[dropped:]), dropped)

    def sampling(self, info: EngineInfo, wanted: Sampling) -> Sampling:
        return wanted

    def _plain(self, text: str) -> str:
        """A text that cannot end its own turn."""
        return text.replace("</s>", " ").replace("<s>", " ").strip()


class ChatTemplatePrompt:
    """Any instruction-tuned model: messages with roles, laid out by the model's own template.

    The examples stand between the system prompt and the conversation, as turns that were said.
    """

    # Greedy answers are reproducible. README.md in this folder measures the penalty.
    temperature = 0.0
    repetition_penalty = 1.03
    # For a model whose checkpoint states no maximum.
    max_tokens = 128

    def __init__(self, system_prompt: str, examples: Sequence[ExampleTurn] = ()) -> None:
        self._system_prompt = system_prompt
        self._examples = tuple(
            message
            for example in examples
            for message in (Message("user", example.message), Message("assistant", example.answer))
        )

    def check(self, info: EngineInfo) -> None:
        """Raises ModelError for a base model, which would go on with a text without an end."""
        if not info.has_chat_template:
            raise ModelError(
                f"{info.model}: has no chat template, so it is not made to answer messages; choose "
                "an instruction-tuned model with --model, such as embedded:smollm2-135m-instruct"
            )

    async def prompt(self, engine: Engine, said: Said, answer_tokens: int) -> Fitted:
        room = engine.info.context - answer_tokens
        # One message, the operator's words first: templates take no second one.
        told = "\n\n".join(filter(None, (self._system_prompt, said.system)))
        beginning = (*([Message("system", told)] if told else ()), *self._examples)
        turns = [*with_roles(said.history), Message("user", said.message)]

        async def tokens(dropped: int) -> int:
            return await engine.count_tokens((*beginning, *turns[dropped:]))

        dropped = await fewest_dropped(tokens, said.history, room)
        return Fitted((*beginning, *turns[dropped:]), dropped)

    def sampling(self, info: EngineInfo, wanted: Sampling) -> Sampling:
        temperature, penalty = wanted.temperature, wanted.repetition_penalty
        return replace(
            wanted,
            temperature=self.temperature if temperature is None else temperature,
            repetition_penalty=self.repetition_penalty if penalty is None else penalty,
            max_tokens=wanted.max_tokens or self._own_max_tokens(info),
        )

    def _own_max_tokens(self, info: EngineInfo) -> int:
        """The checkpoint's maximum, which may be its whole context: half is left for the prompt."""
        return min(info.max_new_tokens or self.max_tokens, max(1, info.context // 2))


def with_roles(history: Sequence[str]) -> list[Message]:
    """Texts as messages; the newest is the assistant's, and roles alternate back from there."""
    roles = ("assistant", "user")
    last = len(history) - 1
    return [Message(roles[(last - i) % 2], text) for i, text in enumerate(history)]


async def fewest_dropped(
    tokens: Callable[[int], Awaitable[int]], history: Sequence[str], room: int
) -> int:
    """The fewest of the oldest texts, in whole turns, without which the rest fits `room`.

    `tokens(n)` counts the prompt without the oldest n, and falls with n. Most of a long history
    never comes near the model, so it is not counted either: more of it is tried from the newest on,
    a few rooms' worth of characters at a time, and then the answer is found by bisection. Raises
    DoesNotFit when the new message alone does not fit.
    """
    texts = len(history)
    choices = [texts, *reversed(range(0, texts, 2))]
    fitting, tried = 0, 0
    while tried < len(choices) - 1:
        tried = _reach(history, choices, tried, CHARACTERS_PER_TOKEN * room)
        if await tokens(choices[tried]) > room:
            break
        fitting = tried
    else:
        if texts or (least := await tokens(0)) <= room:
            return 0
        raise DoesNotFit(least, room)
    if fitting == 0 and (least := await tokens(texts)) > room:
        raise DoesNotFit(least, room)
    while tried - fitting > 1:
        middle = (fitting + tried) // 2
        if await tokens(choices[middle]) <= room:
            fitting = middle
        else:
            tried = middle
    return choices[fitting]


def _reach(history: Sequence[str], choices: Sequence[int], start: int, characters: int) -> int:
    """The index of the choice with so many characters more than that at `start`; at least one."""
    reached = start
    while reached < len(choices) - 1 and (characters > 0 or reached == start):
        added = history[choices[reached + 1] : choices[reached]]
        characters -= sum(map(len, added))
        reached += 1
    return reached

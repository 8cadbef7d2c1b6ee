"""How a model family reads a conversation: the rule that turns history and message into a prompt.

A family fits the conversation into the model's context: the oldest turns go first, the new message
never. It knows nothing of HTTP or of other languages than the model's own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Protocol

from predictors.engine import Engine, Message, Prompt, Sampling


class DoesNotFit(Exception):
    """The new message alone is too long. tokens: its prompt's; room: what the model can take."""

    def __init__(self, tokens: int, room: int) -> None:
        super().__init__(f"{tokens} tokens, the model takes {room}")
        self.tokens = tokens
        self.room = room


class Family(Protocol):
    async def prompt(
        self, engine: Engine, history: Sequence[str], message: str, answer_tokens: int
    ) -> Prompt:
        """A prompt that leaves room for `answer_tokens`. Raises DoesNotFit."""
        ...

    def sampling(self, engine: Engine, wanted: Sampling) -> Sampling:
        """`wanted`, with the family's own values where it says None."""
        ...


class ByModel:
    """The family of the model that the engine has loaded."""

    def __init__(self, system_prompt: str) -> None:
        self._chat_template = ChatTemplate(system_prompt)
        self._blenderbot = Blenderbot()

    async def prompt(
        self, engine: Engine, history: Sequence[str], message: str, answer_tokens: int
    ) -> Prompt:
        return await self._family(engine).prompt(engine, history, message, answer_tokens)

    def sampling(self, engine: Engine, wanted: Sampling) -> Sampling:
        return self._family(engine).sampling(engine, wanted)

    def _family(self, engine: Engine) -> Family:
        is_blenderbot = engine.info.family == "blenderbot"
        return self._blenderbot if is_blenderbot else self._chat_template


class Blenderbot:
    """Blenderbot: the turns one after another, each ended and begun by the model's own tokens.

    The encoder reads the conversation and the decoder writes the answer, so they share no context.
    The model has no roles and no system prompt, and generates as its checkpoint says: by beams.
    """

    separator = "</s><s>"

    async def prompt(
        self, engine: Engine, history: Sequence[str], message: str, answer_tokens: int
    ) -> Prompt:
        turns = [self._plain(text) for text in (*history, message)]

        async def tokens(dropped: int) -> int:
            return await engine.count_tokens(self.separator.join(turns[dropped:]))

        dropped = await fewest_dropped(tokens, len(history), engine.info.context)
        return self.separator.join(turns[dropped:])

    def sampling(self, engine: Engine, wanted: Sampling) -> Sampling:
        return wanted

    def _plain(self, text: str) -> str:
        """A text that cannot end its own turn."""
        return text.replace("</s>", " ").replace("<s>", " ").strip()


class ChatTemplate:
    """Any instruction-tuned model: messages with roles, laid out by the model's own template."""

    # Greedy, and reproducible; without a penalty a small model falls into repeating itself.
    temperature = 0.0
    repetition_penalty = 1.1

    def __init__(self, system_prompt: str) -> None:
        self._system = (Message("system", system_prompt),) if system_prompt else ()

    async def prompt(
        self, engine: Engine, history: Sequence[str], message: str, answer_tokens: int
    ) -> Prompt:
        room = engine.info.context - answer_tokens
        turns = [*with_roles(history), Message("user", message)]

        async def tokens(dropped: int) -> int:
            return await engine.count_tokens((*self._system, *turns[dropped:]))

        dropped = await fewest_dropped(tokens, len(history), room)
        return (*self._system, *turns[dropped:])

    def sampling(self, engine: Engine, wanted: Sampling) -> Sampling:
        temperature, penalty = wanted.temperature, wanted.repetition_penalty
        return replace(
            wanted,
            temperature=self.temperature if temperature is None else temperature,
            repetition_penalty=self.repetition_penalty if penalty is None else penalty,
        )


def with_roles(history: Sequence[str]) -> list[Message]:
    """Texts as messages; the newest is the assistant's, and roles alternate back from there."""
    roles = ("assistant", "user")
    last = len(history) - 1
    return [Message(roles[(last - i) % 2], text) for i, text in enumerate(history)]


async def fewest_dropped(tokens: Callable[[int], Awaitable[int]], texts: int, room: int) -> int:
    """How many of the oldest `texts` must go for the rest to fit `room`: whole turns, the fewest.

    `tokens(n)` counts the prompt without the oldest n; it falls with n, so the answer is found by
    bisection. Raises DoesNotFit when the new message alone does not fit.
    """
    choices = [*range(0, texts, 2), texts]
    if await tokens(0) <= room:
        return 0
    least = await tokens(texts)
    if least > room:
        raise DoesNotFit(least, room)
    low, high = 0, len(choices) - 1
    while high - low > 1:
        middle = (low + high) // 2
        count: int = await tokens(choices[middle])
        if count <= room:
            high = middle
        else:
            low = middle
    fewest: int = choices[high]
    return fewest

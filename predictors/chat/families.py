"""How a model family reads a conversation: the rule that turns history and message into a prompt.

A family fits the conversation into the model's context: the oldest turns go first, the new message
never. It knows nothing of HTTP or of other languages than the model's own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from predictors.engines.base import Engine, Message, Prompt


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


class ChatTemplate:
    """Any instruction-tuned model: messages with roles, laid out by the model's own template."""

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

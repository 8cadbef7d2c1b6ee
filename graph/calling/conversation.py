"""Turns one after the other, which keep what was said: one memory, and two ways of waiting."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Sequence
from os import PathLike
from typing import Any, Protocol, Self

from graph.calling import saved, views
from graph.calling.replies import Reply
from graph.turn.limits import PUBLIC_LIMITS

# The most bytes of a turn's request besides its message and its history: keys and languages.
_OTHER_BYTES = 500


class Client(Protocol):
    """What a conversation needs of `ChatClient`."""

    def turn(self, user_input: str, *args: Any, **options: Any) -> Reply: ...


class AsyncClient(Protocol):
    """What a conversation needs of `AsyncChatClient`."""

    async def turn(self, user_input: str, *args: Any, **options: Any) -> Reply: ...


class Memory:
    """What a conversation keeps, in both languages, and what it sends with the next message.

    `history` is the English of it, as the last answer gave it, and `transcript` the same in the
    person's own words. Of a long one the oldest turns are not sent any more; `replies` keeps every
    turn.
    """

    def __init__(self, language: str | None = None, timeout: float | None = None) -> None:
        """language: the person's choice, None: detected.  timeout: seconds of each turn."""
        self.language = language
        self.timeout = timeout
        self.history: list[str] = []
        self.replies: list[Reply] = []

    @property
    def transcript(self) -> list[str]:
        """`history` as the person wrote and read it, text by text; English where that is lost."""
        answered = [reply for reply in self.replies if reply.response]
        own = [text for reply in answered for text in (reply.user_input, reply.response)]
        lost = max(0, len(self.history) - len(own))
        return self.history[:lost] + own[len(own) - (len(self.history) - lost) :]

    def reset(self) -> None:
        """Forget what was said; the chosen language stays."""
        self.history = []
        self.replies = []

    def save(self, path: str | PathLike[str], *, replace: bool = True) -> None:
        """Write all of it to a JSON file, for `load`.

        Raises OSError, of which FileExistsError for a file that may not be replaced.
        """
        saved.write(path, self.language, self.timeout, self.history, self.replies, replace)

    def _restore(self, path: str | PathLike[str]) -> Self:
        found = saved.read(path)
        self.language, self.timeout = found.language, found.timeout
        self.history, self.replies = found.history, found.replies
        return self

    def _next(self, text: str) -> dict[str, Any]:
        """What is sent with a message."""
        room = PUBLIC_LIMITS.body - len(json.dumps(text)) - _OTHER_BYTES
        return {
            "history": newest_turns(self.history, PUBLIC_LIMITS.history, room),
            "language": self.language,
            "previous_language": self.replies[-1].language if self.replies else None,
            "timeout": self.timeout,
        }

    def _keep(self, reply: Reply) -> Reply:
        self.history = reply.history
        self.replies.append(reply)
        return reply

    def _repr_html_(self) -> str:
        return views.turns_as_html([reply.said for reply in self.replies])


class Conversation(Memory):
    """A conversation by `ChatClient`. Threads that speak at the same time take turns."""

    def __init__(
        self, client: Client, language: str | None = None, timeout: float | None = None
    ) -> None:
        super().__init__(language, timeout)
        self.client = client
        self._turn = threading.Lock()

    @classmethod
    def load(cls, path: str | PathLike[str], client: Client) -> Self:
        """One that was saved, to go on with. Raises SpecError for a file that is none."""
        return cls(client)._restore(path)

    def say(self, text: str) -> Reply:
        """One turn; errors as of `ChatClient.turn`. When it raises, nothing of it is kept."""
        with self._turn:
            return self._keep(self.client.turn(text, **self._next(text)))


class AsyncConversation(Memory):
    """A conversation by `AsyncChatClient`. Tasks that speak at the same time take turns."""

    def __init__(
        self, client: AsyncClient, language: str | None = None, timeout: float | None = None
    ) -> None:
        super().__init__(language, timeout)
        self.client = client
        self._turn = asyncio.Lock()

    @classmethod
    def load(cls, path: str | PathLike[str], client: AsyncClient) -> Self:
        """One that was saved, to go on with. Raises SpecError for a file that is none."""
        return cls(client)._restore(path)

    async def say(self, text: str) -> Reply:
        """One turn; errors as of `AsyncChatClient.turn`. When it raises, nothing of it is kept."""
        async with self._turn:
            return self._keep(await self.client.turn(text, **self._next(text)))


def newest_turns(history: Sequence[str], texts: int, size: int) -> list[str]:
    """The newest whole turns (a message and its answer) that fit: so many texts, bytes as JSON."""
    start = len(history)
    used = 0
    while start >= 2:
        used += sum(len(json.dumps(text)) + len(", ") for text in history[start - 2 : start])
        if len(history) - start + 2 > texts or used > size:
            break
        start -= 2
    return list(history[start:])

"""The English of conversations, remembered by what clients send of them.

A client of OpenAI's protocol sends the whole conversation each time, in the language in which it
was held. What stands for each message in English is kept here under a hash of the conversation up
to that message, so that nothing is translated twice and the chat reads its own words again. It is
kept in this process, bounded in bytes and time, and by a `Shared` in others too; what is forgotten
is translated anew.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from graph.completions.messages import ChatMessage

DEFAULT_BYTES = 64 << 20
DEFAULT_SECONDS = 24 * 3600.0
# What an entry takes besides its text: key, number, and the objects around them.
_OVERHEAD = 400


@dataclass(frozen=True)
class Remembered:
    """A message in English, and the language in which it was said."""

    english: str
    language: str


class Shared(Protocol):
    """What several processes remember together. It raises nothing: what it cannot do is a miss."""

    async def get(self, keys: Sequence[bytes]) -> list[Remembered | None]: ...

    async def put(self, entries: Mapping[bytes, Remembered]) -> None: ...


class Histories:
    """shared: asked for what this process does not know.  clock: seconds that never go back."""

    def __init__(
        self,
        most_bytes: int = DEFAULT_BYTES,
        seconds: float = DEFAULT_SECONDS,
        shared: Shared | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = most_bytes
        self._seconds = seconds
        self._shared = shared
        self._clock = clock
        self._bytes = 0
        # Messages that were asked for, and known or not.
        self.hits = 0
        self.misses = 0
        # The least recently used first.
        self._entries: OrderedDict[bytes, tuple[float, Remembered]] = OrderedDict()

    @property
    def size(self) -> int:
        """Bytes, near enough."""
        return self._bytes

    async def find(self, messages: Sequence[ChatMessage]) -> list[Remembered | None]:
        """What is known of each message of a conversation."""
        keys = list(_keys(messages))
        found = [self._get(key) for key in keys]
        missing = [i for i, each in enumerate(found) if each is None]
        if self._shared is not None and missing:
            told = await self._shared.get([keys[i] for i in missing])
            for i, each in zip(missing, told, strict=True):
                if each is not None:
                    found[i] = each
                    self._keep(keys[i], each)
        known = sum(each is not None for each in found)
        self.hits += known
        self.misses += len(found) - known
        return found

    async def remember(
        self, messages: Sequence[ChatMessage], known: Mapping[int, Remembered]
    ) -> None:
        """What messages of a conversation are in English, by their index."""
        entries = {key: known[i] for i, key in enumerate(_keys(messages)) if i in known}
        for key, each in entries.items():
            self._keep(key, each)
        if self._shared is not None and entries:
            await self._shared.put(entries)

    def _keep(self, key: bytes, remembered: Remembered) -> None:
        self._forget(key)
        self._entries[key] = (self._clock() + self._seconds, remembered)
        self._bytes += _size(remembered)
        while self._bytes > self._most and self._entries:
            self._forget(next(iter(self._entries)))

    def _get(self, key: bytes) -> Remembered | None:
        found = self._entries.get(key)
        if found is None:
            return None
        until, remembered = found
        if until <= self._clock():
            self._forget(key)
            return None
        self._entries.move_to_end(key)
        return remembered

    def _forget(self, key: bytes) -> None:
        found = self._entries.pop(key, None)
        if found is not None:
            self._bytes -= _size(found[1])


def _keys(messages: Sequence[ChatMessage]) -> Iterator[bytes]:
    """A key for the conversation up to each message. Clients trim what they show, so spaces do not
    count."""
    conversation = hashlib.sha256()
    for message in messages:
        words = " ".join(message.content.split())
        conversation.update(f"{message.role}\0{words}\0".encode())
        yield conversation.digest()


def _size(remembered: Remembered) -> int:
    return _OVERHEAD + len(remembered.english.encode())

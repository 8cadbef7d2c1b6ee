"""The English of conversations, remembered by what clients send of them.

A client of OpenAI's protocol sends the whole conversation each time, in the language in which it
was held. What stands for each message in English is kept here under a hash of the conversation up
to that message, so that nothing is translated twice and the chat reads its own words again. It is
kept in this process alone, bounded in bytes and time; what is forgotten is translated anew.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

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


class Histories:
    """clock: seconds that never go back."""

    def __init__(
        self,
        most_bytes: int = DEFAULT_BYTES,
        seconds: float = DEFAULT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = most_bytes
        self._seconds = seconds
        self._clock = clock
        self._bytes = 0
        # The least recently used first.
        self._entries: OrderedDict[bytes, tuple[float, Remembered]] = OrderedDict()

    @property
    def size(self) -> int:
        """Bytes, near enough."""
        return self._bytes

    def find(self, messages: Sequence[ChatMessage]) -> list[Remembered | None]:
        """What is known of each message of a conversation."""
        return [self._get(key) for key in _keys(messages)]

    def remember(self, messages: Sequence[ChatMessage], last: Remembered) -> None:
        """What the last message of a conversation is in English."""
        *_, key = _keys(messages)
        self._forget(key)
        self._entries[key] = (self._clock() + self._seconds, last)
        self._bytes += _size(last)
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

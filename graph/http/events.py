"""Server-sent events, as far as chat completions use them: the `data` of each event.

Of the format (HTML standard, 9.2) all is read, in any parts in which the bytes may come, also
within a character; of the fields only `data` counts, since no chat completion has another.
"""

from __future__ import annotations

import json
import re
from typing import Any

MEDIA_TYPE = "text/event-stream"
# The last event of a stream of chat completions; the only one that is not JSON.
DONE = "[DONE]"
# Of one event. Ours are a sentence long; a stream without an end of an event would fill the memory.
MOST_BYTES = 1 << 20

_LINE_END = re.compile(rb"\r\n|\n|\r(?!\Z)")
# They end no line of an event, but many a client splits its lines there.
_ESCAPES = {ord(char): f"\\u{ord(char):04x}" for char in "\x85\u2028\u2029"}
_BOM = b"\xef\xbb\xbf"


class EventTooLarge(ValueError):
    """An event of over `MOST_BYTES` bytes."""


def event(data: Any) -> bytes:
    """An event with this JSON value."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return f"data: {text.translate(_ESCAPES)}\n\n".encode()


def last_event() -> bytes:
    return f"data: {DONE}\n\n".encode()


class EventReader:
    """The events of a stream of bytes."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []
        self._is_first = True

    def feed(self, part: bytes) -> list[str]:
        """The data of each event that ends in this part. Raises EventTooLarge."""
        self._rest += part
        if self._is_first:
            if _BOM.startswith(self._rest[:3]) and len(self._rest) < 3:
                return []
            self._rest = self._rest.removeprefix(_BOM)
            self._is_first = False
        found: list[str] = []
        start = 0
        # A return at the end of what has come may be half of a line end: it waits for the rest.
        for end in _LINE_END.finditer(self._rest):
            found += self._line(self._rest[start : end.start()])
            start = end.end()
        self._rest = self._rest[start:]
        if len(self._rest) + sum(map(len, self._data)) > MOST_BYTES:
            raise EventTooLarge(f"an event of over {MOST_BYTES} bytes")
        return found

    def _line(self, line: bytes) -> list[str]:
        """The data of the event that ends with this line, if one does."""
        if line:
            name, _, value = line.partition(b":")
            if name == b"data":
                self._data.append(value.removeprefix(b" "))
            return []
        data, self._data = self._data, []
        return [b"\n".join(data).decode("utf-8", "replace")] if data else []

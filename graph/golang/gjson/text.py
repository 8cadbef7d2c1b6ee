"""JSON text as gjson looks at it: slices of the text, never a decoded tree.

gjson takes what it finds at its word. A path may lead into text that a modifier made and that is
no JSON any more, so everything here reads leniently and nothing raises. Text is a str of one
character per *byte* (latin-1): gjson compares and counts bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from graph.golang.quoting import quote_json

_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_NUMBER = re.compile(r".[^\x00-\x20,\]}]*", re.DOTALL)
_LITERAL = re.compile(r".[a-z]*")
_BRACKET_OR_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|["{\[(}\])]', re.DOTALL)
_VALUE_START = re.compile(r'["{\[ntf+\-0-9iIN]')
_ELEMENT_OR_END = re.compile(r'["{\[ntf+\-0-9iIN\]]')
_KEY_OR_END = re.compile(r'["}]')
_CONTAINER_START = re.compile(r"[{\[]")
# gjson takes the escape after half of a surrogate pair for the other half, without a look.
_ESCAPE = re.compile(
    r"""\\(?:
        u(?P<half>[dD][89a-fA-F][0-9a-fA-F]{2})(?:\\u(?P<other>[0-9a-fA-F]{4}))?
      | u(?P<whole>[0-9a-fA-F]{4})
      | (?P<short>.)
    )""",
    re.DOTALL | re.VERBOSE,
)
_SHORT_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_DECIMAL = re.compile(
    r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|[+-]?(?:inf|infinity)|nan", re.I | re.A
)
_HEXADECIMAL = re.compile(r"[+-]?0x(?:[0-9a-f]+\.?[0-9a-f]*|\.[0-9a-f]+)p[+-]?\d+", re.I | re.A)


class Kind(Enum):
    NULL = "null"
    FALSE = "false"
    TRUE = "true"
    NUMBER = "number"
    STRING = "string"
    JSON = "object or array"


@dataclass(frozen=True)
class Value:
    """A value that a path found: its kind and its text. The default is one that was not found."""

    kind: Kind = Kind.NULL
    raw: str = ""

    @property
    def exists(self) -> bool:
        return self.kind is not Kind.NULL or self.raw != ""

    @property
    def is_object(self) -> bool:
        return self.kind is Kind.JSON and self.raw.startswith("{")

    @property
    def is_array(self) -> bool:
        return self.kind is Kind.JSON and self.raw.startswith("[")

    @cached_property
    def text(self) -> str:
        """A string without its quotes and escapes; of anything else its text."""
        if self.kind is not Kind.STRING:
            return self.raw
        return unescape(self.raw[1:-1] if _STRING.fullmatch(self.raw) else self.raw[1:])

    @cached_property
    def number(self) -> float:
        return parse_number(self.raw)


NOTHING = Value()


def parse(json: str) -> Value:
    """The value that a text begins with. An object or array takes the rest of the text."""
    start = len(json) - len(json.lstrip("".join(map(chr, range(0x21)))))
    if json[start : start + 1] in ("{", "["):
        return Value(Kind.JSON, json[start:])
    if not _VALUE_START.match(json, start):
        return NOTHING
    value, _ = _read(json, start)
    return value or Value(Kind.STRING, json[start:])


def first_value(json: str) -> str:
    """The text of the first value, whatever comes before and after it."""
    start = _VALUE_START.search(json)
    value = _read(json, start.start())[0] if start else None
    return value.raw if value else ""


def elements(json: str, at: int) -> Iterator[Value]:
    """The elements of the array whose inside begins at `at`."""
    while (found := _ELEMENT_OR_END.search(json, at)) and found[0] != "]":
        value, at = _read(json, found.start())
        if value is None:
            return
        yield value


def members(json: str, at: int) -> Iterator[tuple[str, Value]]:
    """The members of the object whose inside begins at `at`: each key in its quotes, and value."""
    while (found := _KEY_OR_END.search(json, at)) and found[0] == '"':
        key = _STRING.match(json, found.start())
        start = _VALUE_START.search(json, key.end()) if key else None
        if key is None or start is None:
            return
        value, at = _read(json, start.start())
        if value is None:
            return
        yield key[0], value


def items(value: Value) -> Iterator[tuple[str, Value]]:
    """Keys and values of an object, values of an array with an empty key, or the value itself."""
    if value.kind is not Kind.JSON:
        if value.exists:
            yield "", value
    elif value.is_object:
        yield from members(value.raw, 1)
    else:
        yield from (("", element) for element in elements(value.raw, 1))


def find_container(json: str) -> int:
    """The index of the first bracket, inside a string too; -1 where there is none."""
    found = _CONTAINER_START.search(json)
    return found.start() if found else -1


def end_of_block(json: str, at: int) -> int:
    """The end of the block whose opening bracket is at `at`; any kind of bracket closes it."""
    depth = 1
    for found in _BRACKET_OR_STRING.finditer(json, at + 1):
        if found[0] in "{[(":
            depth += 1
        elif found[0] in "}])":
            depth -= 1
            if depth == 0:
                return found.end()
        elif found[0] == '"':
            return len(json)
    return len(json)


def end_of_string(json: str, at: int) -> int:
    """The end of the string whose opening quote is at `at`."""
    found = _STRING.match(json, at)
    return found.end() if found else len(json)


def unescape(text: str) -> str:
    """The inside of a JSON string with its escapes resolved, as bytes of UTF-8."""
    return _ESCAPE.sub(_resolve, text) if "\\" in text else text


def quote(text: str) -> str:
    """`text` as a JSON string; HTML characters and what is not UTF-8 are escaped."""
    unicode = text.encode("latin-1").decode("utf-8", "surrogateescape")
    return quote_json(unicode).encode().decode("latin-1")


def decode_bytes(text: str) -> str:
    """The characters that the bytes of `text` encode; each byte that is not UTF-8 is U+FFFD."""
    unicode = text.encode("latin-1").decode("utf-8", "surrogateescape")
    return re.sub("[\udc80-\udcff]", "\ufffd", unicode)


def parse_number(text: str) -> float:
    """Go's ParseFloat: 0 for what is no number, infinite for one out of range."""
    digit = "[0-9a-fA-FxX]" if _HEXADECIMAL.fullmatch(text.replace("_", "")) else "[0-9]"
    text = re.sub(f"(?<={digit})_(?={digit})", "", text)
    if _DECIMAL.fullmatch(text):
        return float(text)
    if _HEXADECIMAL.fullmatch(text):
        try:
            return float.fromhex(text)
        except OverflowError:
            return float("-inf" if text.startswith("-") else "inf")
    return 0.0


def _read(json: str, at: int) -> tuple[Value | None, int]:
    """The value at `at`, where one begins, and its end; None for a string without an end."""
    char = json[at]
    if char == '"':
        string = _STRING.match(json, at)
        return (Value(Kind.STRING, string[0]), string.end()) if string else (None, len(json))
    if char in "{[":
        end = end_of_block(json, at)
        return Value(Kind.JSON, json[at:end]), end
    if char in "tf" or (char == "n" and json[at + 1 : at + 2] in ("", "u")):
        kind = {"t": Kind.TRUE, "f": Kind.FALSE, "n": Kind.NULL}[char]
        pattern = _LITERAL
    else:
        kind, pattern = Kind.NUMBER, _NUMBER
    found = pattern.match(json, at)
    end = found.end() if found else at + 1
    return Value(kind, json[at:end]), end


def _resolve(found: re.Match[str]) -> str:
    if found["short"] is not None:
        return _SHORT_ESCAPES.get(found["short"], found["short"])
    if found["whole"] is not None:
        return _bytes_of(int(found["whole"], 16))
    high, low = int(found["half"], 16), int(found["other"] or "0", 16)
    if high < 0xDC00 and 0xDC00 <= low <= 0xDFFF:
        return _bytes_of(0x10000 + ((high - 0xD800) << 10) + low - 0xDC00)
    return _bytes_of(0xFFFD)


def _bytes_of(code: int) -> str:
    return chr(code).encode().decode("latin-1")

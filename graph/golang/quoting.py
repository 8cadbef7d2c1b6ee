"""Text in quotes as Go writes it: as a JSON string, and as its `%q` shows text to a person."""

from __future__ import annotations

import json
import re

# Go's JSON is safe inside HTML, and a byte that is not UTF-8 is written as an escape.
_IN_JSON = str.maketrans(
    {char: f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}
    | {chr(code): "\\ufffd" for code in range(0xD800, 0xE000)}
)
_ESCAPED = re.compile("[<>&\u2028\u2029\ud800-\udfff]")
_JSON = json.JSONEncoder(ensure_ascii=False)
_SHORT_ESCAPES = dict(zip("\a\b\f\n\r\t\v", "abfnrtv", strict=True)) | {'"': '"', "\\": "\\"}


def quote_json(text: str) -> str:
    """`text` as a JSON string; each surrogate in it becomes U+FFFD."""
    return escape_json(_JSON.encode(text))


def escape_json(text: str) -> str:
    """JSON as Go writes it, from JSON that Python wrote: what differs stands inside strings."""
    return text.translate(_IN_JSON) if _ESCAPED.search(text) else text


def quote(text: str) -> str:
    """Go's `%q` of a text."""
    return '"' + "".join(map(_quote_char, text)) + '"'


def _quote_char(char: str) -> str:
    if char in _SHORT_ESCAPES:
        return "\\" + _SHORT_ESCAPES[char]
    if char.isprintable():
        return char
    return f"\\x{ord(char):02x}" if char.isascii() else f"\\u{ord(char):04x}"

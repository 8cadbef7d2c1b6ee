"""Text in quotes as Go writes it: as a JSON string, and as its `%q` shows text to a person."""

from __future__ import annotations

import json

# Go's JSON is safe inside HTML, and a byte that is not UTF-8 is written as an escape.
_IN_JSON = str.maketrans(
    {char: f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}
    | {chr(code): "\\ufffd" for code in range(0xD800, 0xE000)}
)
_SHORT_ESCAPES = dict(zip("\a\b\f\n\r\t\v", "abfnrtv", strict=True)) | {'"': '"', "\\": "\\"}


def quote_json(text: str) -> str:
    """`text` as a JSON string; each surrogate in it becomes U+FFFD."""
    return json.dumps(text, ensure_ascii=False).translate(_IN_JSON)


def quote(text: str) -> str:
    """Go's `%q` of a text."""
    return '"' + "".join(map(_quote_char, text)) + '"'


def _quote_char(char: str) -> str:
    if char in _SHORT_ESCAPES:
        return "\\" + _SHORT_ESCAPES[char]
    if char.isprintable():
        return char
    return f"\\x{ord(char):02x}" if char.isascii() else f"\\u{ord(char):04x}"

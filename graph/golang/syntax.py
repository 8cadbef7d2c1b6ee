"""What Go's `encoding/json` says about a text that is not JSON, word for word.

KServe's router puts that sentence into the `cause` of its answer. This scanner reads byte by byte,
without recursion, and only finds the first error; `graph.golang.json` decodes what is valid.
The rules are those of RFC 8259 but for one: any byte from 0x80 up may stand in a string.
"""

from __future__ import annotations

import re

END_OF_INPUT = "unexpected end of JSON input"
# Go refuses what is nested more deeply.
MAX_DEPTH = 10_000

_SPACE = re.compile(rb"[ \t\r\n]*")
_PLAIN = re.compile(rb'(?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*')
_HEX = re.compile(rb"[0-9a-fA-F]{0,4}")
_DIGITS = re.compile(rb"[0-9]+")
_INSIDE_TOKEN = ("in ", "after decimal point")
_LITERALS = {b"t": b"true", b"f": b"false", b"n": b"null"}
_SHORT_ESCAPES = {7: "a", 8: "b", 9: "t", 10: "n", 11: "v", 12: "f", 13: "r", 39: "'", 92: "\\"}


def find_syntax_error(body: bytes) -> str | None:
    """Go's message for the first error in `body`, or None where it is valid JSON."""
    try:
        _scan(body)
    except _BadSyntax as err:
        return str(err)
    return None


class _BadSyntax(Exception):
    pass


def _scan(body: bytes) -> None:
    closers: list[bytes] = []  # of the open objects and arrays, innermost last
    at = _skip(body, 0)
    while True:
        at, opened = _begin_value(body, at, closers)
        if opened:
            continue
        at = _skip(body, at)
        while closers:
            char = body[at : at + 1]
            if char == closers[-1]:
                closers.pop()
                at = _skip(body, at + 1)
                continue
            in_object = closers[-1] == b"}"
            _expect(
                body,
                at,
                b",",
                "after object key:value pair" if in_object else "after array element",
            )
            at = _skip(body, at + 1)
            if in_object:
                at = _key(body, at)
            break
        else:
            if at < len(body):
                raise _bad(body, at, "after top-level value")
            return


def _begin_value(body: bytes, at: int, closers: list[bytes]) -> tuple[int, bool]:
    """Reads a scalar or an empty container, or opens one: then a value must follow."""
    char = body[at : at + 1]
    if char in (b"{", b"["):
        closers.append(b"}" if char == b"{" else b"]")
        if len(closers) > MAX_DEPTH:
            raise _bad(body, at, "exceeded max depth")
        at = _skip(body, at + 1)
        if body[at : at + 1] == closers[-1]:
            closers.pop()
            return at + 1, False
        return (_key(body, at) if char == b"{" else at), True
    if char == b'"':
        return _string(body, at), False
    if char in _LITERALS:
        return _literal(body, at, _LITERALS[char]), False
    if char == b"-" or char.isdigit():
        return _number(body, at), False
    raise _bad(body, at, "looking for beginning of value")


def _key(body: bytes, at: int) -> int:
    _expect(body, at, b'"', "looking for beginning of object key string")
    at = _skip(body, _string(body, at))
    _expect(body, at, b":", "after object key")
    return _skip(body, at + 1)


def _string(body: bytes, at: int) -> int:
    at = _end(_PLAIN, body, at + 1)
    if body[at : at + 1] == b'"':
        return at + 1
    if body[at : at + 2] == b"\\u":
        raise _bad(body, _end(_HEX, body, at + 2), "in \\u hexadecimal character escape")
    if body[at : at + 1] == b"\\":
        raise _bad(body, at + 1, "in string escape code")
    raise _bad(body, at, "in string literal")


def _literal(body: bytes, at: int, word: bytes) -> int:
    for index in range(1, len(word)):
        wanted = word[index : index + 1]
        context = f"in literal {word.decode()} (expecting {_quote(wanted[0])})"
        _expect(body, at + index, wanted, context)
    return at + len(word)


def _number(body: bytes, at: int) -> int:
    if body[at : at + 1] == b"-":
        at += 1
    at = at + 1 if body[at : at + 1] == b"0" else _digits(body, at, "in numeric literal")
    if body[at : at + 1] == b".":
        at = _digits(body, at + 1, "after decimal point in numeric literal")
    if body[at : at + 1] in (b"e", b"E"):
        at += 2 if body[at + 1 : at + 2] in (b"+", b"-") else 1
        at = _digits(body, at, "in exponent of numeric literal")
    return at


def _digits(body: bytes, at: int, context: str) -> int:
    end = _end(_DIGITS, body, at)
    if end == at:
        raise _bad(body, at, context)
    return end


def _expect(body: bytes, at: int, char: bytes, context: str) -> None:
    if body[at : at + 1] != char:
        raise _bad(body, at, context)


def _skip(body: bytes, at: int) -> int:
    return _end(_SPACE, body, at)


def _end(pattern: re.Pattern[bytes], body: bytes, at: int) -> int:
    match = pattern.match(body, at)
    return match.end() if match else at


def _bad(body: bytes, at: int, context: str) -> _BadSyntax:
    if at < len(body):
        return _BadSyntax(f"invalid character {_quote(body[at])} {context}")
    # Go ends the text with a space, and complains of it where none may stand.
    if context == "in string literal" or not context.startswith(_INSIDE_TOKEN):
        return _BadSyntax(END_OF_INPUT)
    return _BadSyntax(f"invalid character ' ' {context}")


def _quote(byte: int) -> str:
    """The byte as Go's `strconv.Quote` shows the character of that number."""
    if byte in _SHORT_ESCAPES:
        return f"'\\{_SHORT_ESCAPES[byte]}'"
    if byte < 0x20 or byte == 0x7F:
        return f"'\\x{byte:02x}'"
    if 0x80 <= byte <= 0xA0 or byte == 0xAD:
        return f"'\\u{byte:04x}'"
    return f"'{chr(byte)}'"

"""Wildcards of gjson, in keys (`l?ng.*`) and in queries (`#(name%"J*")`)."""

from __future__ import annotations

from collections.abc import Iterator

from graph.golang.gjson.text import decode_bytes


def matches_wildcards(text: str, pattern: str) -> bool:
    """True where `*` (any characters), `?` (one) and `\\` (the next as it is) match the whole."""
    chars = decode_bytes(text)
    tokens = list(_pattern_tokens(decode_bytes(pattern)))
    at = token = 0
    star, mark = -1, 0
    while at < len(chars):
        if token < len(tokens) and tokens[token] == ("*", True):
            star, mark = token, at
            token += 1
        elif token < len(tokens) and tokens[token] in (("?", True), (chars[at], False)):
            token += 1
            at += 1
        elif star >= 0:
            mark += 1
            at, token = mark, star + 1
        else:
            return False
    return all(wanted == ("*", True) for wanted in tokens[token:])


def _pattern_tokens(pattern: str) -> Iterator[tuple[str, bool]]:
    """Each character of a pattern, and whether it is a wildcard."""
    at = 0
    while at < len(pattern):
        if pattern[at] == "\\":
            at += 1
            yield pattern[at : at + 1], False
        else:
            yield pattern[at], pattern[at] in "*?"
        at += 1

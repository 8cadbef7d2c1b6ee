"""The parts into which gjson cuts a path.

The same text is cut in two ways: against an object a part is a key, with wildcards and escapes,
against an array an index, `#`, or a query such as `#(lang=="fr")`. A path that is cut wrongly is
not an error; it is then a key that no object has.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from graph.golang.gjson.text import end_of_block, end_of_string, unescape

_SPACE = "".join(map(chr, range(0x21)))
_MODIFIER_NAME = re.compile(r"[^.|:]*")

MODIFIER_NAMES = frozenset(
    ("pretty", "ugly", "reverse", "this", "flatten", "join", "valid", "keys", "values", "tostr")
    + ("fromstr", "group", "dig")
)


@dataclass(frozen=True)
class KeyPart:
    """A key of an object. `rest` follows inside the value, `pipe` is applied to what was found."""

    key: str
    rest: str | None = None
    pipe: str | None = None
    wild: bool = False


@dataclass(frozen=True)
class Query:
    """`#(path op value)`; `every` for the form that ends in `#` and gives all elements."""

    path: str = ""
    op: str = ""
    value: str = ""
    every: bool = False


@dataclass(frozen=True)
class ArrayPart:
    """A part read against an array: an index, or (`hash`) a count, a projection or a query."""

    part: str
    rest: str | None = None
    pipe: str | None = None
    hash: bool = False
    projection: str | None = None  # of `#.path`: the path
    query: Query | None = None

    @property
    def index(self) -> int:
        """The element meant, -1 for none."""
        is_index = not self.hash and self.part.isascii() and self.part.isdigit()
        # Go's arithmetic wraps around at 64 bits.
        return int(self.part) % 2**64 if is_index and len(self.part) < 4000 else -1


def cut_key(path: str) -> KeyPart:
    """The first part of a path as a key."""
    key: list[str] = []
    wild = False
    at = 0
    while at < len(path):
        char = path[at]
        if char == "|":
            return KeyPart("".join(key), pipe=path[at + 1 :], wild=wild)
        if char == ".":
            rest, pipe = _after_dot(path[at + 1 :])
            return KeyPart("".join(key), rest, pipe, wild)
        if char == "\\":
            at += 1
            char = path[at : at + 1]
        elif char in "*?":
            wild = True
        key.append(char)
        at += 1
    return KeyPart("".join(key), wild=wild)


def cut_array(path: str) -> ArrayPart:
    """The first part of a path as an index or a `#` form."""
    hashed = False
    projection: str | None = None
    query: Query | None = None
    at = 0
    while at < len(path):
        char = path[at]
        if char == "|":
            return ArrayPart(path[:at], None, path[at + 1 :], hashed, projection, query)
        if char == ".":
            rest, pipe = (path[at + 1 :], None) if hashed else _after_dot(path[at + 1 :])
            return ArrayPart(path[:at], rest, pipe, hashed, projection, query)
        if char == "#":
            hashed = True
            if at == 0 and path[1:2] == ".":
                projection = path[2:]
            elif at == 0 and path[1:2] in ("[", "("):
                query, at = _cut_query(path)
                if at < 0:
                    break
                continue
        at += 1
    return ArrayPart(path, None, None, hashed, projection, query)


def split_pipe(path: str) -> tuple[str, str | None]:
    """A path before and after its first `|` outside of a query; None where there is none."""
    if "|" not in path:
        return path, None
    if path.startswith("{"):
        end = end_of_string(path, 1) if path[1] == '"' else end_of_block(path, 1)
        return (path[:end], path[end + 1 :]) if path[end : end + 1] == "|" else (path, None)
    at = 0
    while at < len(path):
        if path[at] == "\\":
            at += 1
        elif path[at] == ".":
            if at == len(path) - 1:
                return path, None
            if path[at + 1] == "#":
                at = _skip_query(path, at + 2)
        elif path[at] == "|":
            return path[:at], path[at + 1 :]
        at += 1
    return path, None


@dataclass(frozen=True)
class Selector:
    """One path of a multipath, with the name that it is given, if any."""

    name: str
    path: str


def cut_multipath(path: str) -> tuple[list[Selector], str] | None:
    """The paths of `[a,b]` or `{"x":a,b}` and what follows, None where the bracket stays open."""
    selectors: list[Selector] = []
    depth, start, colon, modifier = 1, 1, 0, False

    def push(end: int) -> None:
        name = path[start:colon] if colon else ""
        selectors.append(Selector(name, path[colon + 1 if colon else start : end]))

    at = 1
    while at < len(path):
        char = path[at]
        if char == "\\":
            at += 1
        elif char == "@":
            modifier = modifier or path[at - 1] in ".|"
        elif char == ":" and not modifier and not colon and depth == 1:
            colon = at
        elif char == "," and depth == 1:
            push(at)
            start, colon, modifier = at + 1, 0, False
        elif char == '"':
            at = end_of_string(path, at) - 1
        elif char in "[({":
            depth += 1
        elif char in "])}":
            depth -= 1
            if depth == 0:
                push(at)
                return selectors, path[at + 1 :]
        at += 1
    return None


def name_of(selector: Selector) -> str:
    """The key that `{a.b}` gives to what it found: the last part where that is a plain name."""
    last = selector.path
    for at in range(len(last) - 1, -1, -1):
        if last[at] in "|." and (at == 0 or last[at - 1] != "\\"):
            last = last[at + 1 :]
            break
    return "_" if re.search(r"[\x00-\x1f\[\]{}()#|!]", last) else last


def _after_dot(rest: str) -> tuple[str | None, str | None]:
    """What follows a dot as (rest, pipe): a modifier or a multipath is applied to the result."""
    return (None, rest) if _begins_pipe(rest) else (rest, None)


def _begins_pipe(rest: str) -> bool:
    if rest.startswith("@"):
        name = _MODIFIER_NAME.match(rest, 1)
        return name is not None and name[0] in MODIFIER_NAMES
    return rest.startswith(("[", "{"))


def _cut_query(path: str) -> tuple[Query, int]:
    """The query that a path begins with and its end, which is -1 where it has none."""
    at, value_at, depth, escaped = 2, 0, 1, False
    while at < len(path):
        char = path[at]
        if depth == 1 and value_at == 0 and char in "!=<>%":
            value_at = at
        elif char == "\\":
            at += 1
        elif char in "[(":
            depth += 1
        elif char in "])":
            depth -= 1
            if depth == 0:
                break
        elif char == '"':
            end = end_of_string(path, at)
            escaped = escaped or "\\" in path[at:end]
            at = end - 1
        at += 1
    if depth > 0:
        return Query(), -1
    op, value = _cut_operator(path[value_at:at].strip(_SPACE)) if value_at else ("", "")
    if len(value) >= 2 and value[0] == value[-1] == '"':
        value = unescape(value[1:-1]) if escaped else value[1:-1]
    return Query(
        path[2 : value_at or at].strip(_SPACE), op, value, path[at + 1 : at + 2] == "#"
    ), at + 1


def _cut_operator(text: str) -> tuple[str, str]:
    if len(text) == 1:
        return text, ""
    for op in ("!=", "!%", "<=", ">=", "==", "<", ">", "=", "%"):
        if text.startswith(op):
            return ("=" if op == "==" else op), text[len(op) :].strip(_SPACE)
    return "", text


def _skip_query(path: str, at: int) -> int:
    """The index of the bracket that closes the query opened at `at`; `at` if none opens there."""
    if path[at : at + 1] not in ("[", "("):
        return at
    start, end = path[at], {"[": "]", "(": ")"}[path[at]]
    depth = 1
    at += 1
    while at < len(path):
        if path[at] == "\\":
            at += 1
        elif path[at] == start:
            depth += 1
        elif path[at] == end:
            depth -= 1
            if depth == 0:
                return at
        elif path[at] == '"':
            at = end_of_string(path, at) - 1
        at += 1
    return at

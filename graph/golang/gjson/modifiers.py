"""gjson's modifiers (`@keys`, `@flatten`...) and static values (`!true`), text to text.

A condition only asks whether something exists after them, and almost always something does: `@keys`
of a missing value is `[]`. A path cannot see white space, so `@ugly` leaves the text as it is and
`@pretty` takes its first value; neither sorts keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from graph.golang.gjson.paths import MODIFIER_NAMES
from graph.golang.gjson.text import (
    Kind,
    Value,
    end_of_block,
    end_of_string,
    first_value,
    items,
    parse,
    quote,
)
from graph.golang.json import is_valid

# Finds a path in a text: `lookup.get`, given here because `@dig` searches with it.
Get = Callable[[str, str], Value]

_STATIC_NAMES = ("true", "false", "null", "nan", "inf")


def apply_modifier(json: str, path: str, get: Get) -> tuple[str, str] | None:
    """What `@name:argument` at the head of `path` makes of `json`, and the rest of the path.

    None where no such modifier exists: the whole is then a key.
    """
    end = next((at for at, char in enumerate(path) if char in ":|."), len(path))
    name, rest = path[1:end], path[end:]
    if name not in MODIFIER_NAMES:
        return None
    argument = ""
    if rest.startswith(":"):
        end = _end_of_argument(rest[1:]) + 1
        argument, rest = rest[1:end], rest[end:]
    return _modify(name, json, argument, get), rest


def read_static(path: str) -> tuple[str, str] | None:
    """The value that `!value` at the head of `path` means, and the rest; None if it means none."""
    if path[1] in '{["+-0123456789':
        end = end_of_block(path, 1)
        return path[1:end], path[end:]
    end = next((at for at, char in enumerate(path) if char in "|."), len(path))
    name = path[1:end]
    return (name, path[end:]) if name.lower() in _STATIC_NAMES else None


def _end_of_argument(text: str) -> int:
    if text[:1] in ("{", "["):
        return end_of_block(text, 0)
    if text[:1] == '"':
        return end_of_string(text, 0)
    at = 0
    while at < len(text) and text[at] != "|":
        if text[at] == '"':
            at = end_of_string(text, at) - 1
        elif text[at] in "{[(":
            at = end_of_block(text, at) - 1
        at += 1
    return min(at, len(text))


def _modify(name: str, json: str, argument: str, get: Get) -> str:
    if name == "dig":
        found = (get(value.raw, argument) for value in _descend(parse(json)))
        return "[" + ",".join(value.raw for value in found if value.exists) + "]"
    return _MODIFIERS[name](json, argument)


def _descend(value: Value) -> Iterator[Value]:
    """A value and all inside it, each before its own inside."""
    pending = [value]
    while pending:
        value = pending.pop()
        yield value
        if value.kind is Kind.JSON:
            pending += reversed([inner for _, inner in items(value)])


def _reverse(json: str, argument: str) -> str:
    value = parse(json)
    if value.is_array:
        return "[" + ",".join(inner.raw for _, inner in reversed(list(items(value)))) + "]"
    if value.is_object:
        pairs = (f"{key}:{inner.raw}" for key, inner in reversed(list(items(value))))
        return "{" + ",".join(pairs) + "}"
    return json


def _flatten(json: str, argument: str) -> str:
    value = parse(json)
    if not value.is_array:
        return json
    deep = _is_asked("deep", argument)
    parts = []
    for _, inner in items(value):
        raw = inner.raw
        if inner.is_array:
            raw = _unwrap(_flatten(raw, argument) if deep else raw)
        parts.append(raw.strip(" \t\n\r\v\f\x85\xa0"))
    return "[" + ",".join(part for part in parts if part) + "]"


def _join(json: str, argument: str) -> str:
    value = parse(json)
    if not value.is_array:
        return json
    objects = [inner for _, inner in items(value) if inner.is_object]
    if _is_asked("preserve", argument):
        return "{" + ",".join(_unwrap(inner.raw) for inner in objects) + "}"
    joined: dict[str, tuple[str, str]] = {}
    for inner in objects:
        for key, member in items(inner):
            name = parse(key).text
            joined[name] = (joined[name][0] if name in joined else key, member.raw)
    return "{" + ",".join(f"{key}:{raw}" for key, raw in joined.values()) + "}"


def _keys(json: str, argument: str) -> str:
    return "[" + ",".join(key or "null" for key, _ in items(parse(json))) + "]"


def _values(json: str, argument: str) -> str:
    value = parse(json)
    return json if value.is_array else "[" + ",".join(v.raw for _, v in items(value)) + "]"


def _valid(json: str, argument: str) -> str:
    return json if is_valid(json.encode("latin-1")) else ""


def _from_string(json: str, argument: str) -> str:
    value = parse(_valid(json, ""))
    return "" if value.kind is Kind.NULL else value.text


def _group(json: str, argument: str) -> str:
    value = parse(json)
    if not value.is_object:
        return ""
    rows: list[list[str]] = []
    for key, column in items(value):
        if column.is_array:
            for index, (_, cell) in enumerate(items(column)):
                if index == len(rows):
                    rows.append([])
                rows[index].append(f"{key}:{cell.raw}")
    return "[" + ",".join("{" + ",".join(row) + "}" for row in rows) + "]"


def _same(json: str, argument: str) -> str:
    return json


_MODIFIERS: dict[str, Callable[[str, str], str]] = {
    "this": _same,
    "pretty": lambda json, argument: first_value(json),
    "ugly": _same,
    "valid": _valid,
    "keys": _keys,
    "values": _values,
    "reverse": _reverse,
    "flatten": _flatten,
    "join": _join,
    "tostr": lambda json, argument: quote(json),
    "fromstr": _from_string,
    "group": _group,
}


def _is_asked(option: str, argument: str) -> bool:
    """Whether an argument such as `{"deep":true}` sets an option."""
    asked = False
    for key, value in items(parse(argument)):
        if key and parse(key).text == option:
            asked = is_true(value)
    return asked


def is_true(value: Value) -> bool:
    """Go's strconv.ParseBool for strings, not zero for numbers."""
    if value.kind is Kind.STRING:
        return value.text.lower() in ("1", "t", "true")
    return value.kind is Kind.TRUE or (value.kind is Kind.NUMBER and value.number != 0)


def _unwrap(json: str) -> str:
    json = json.strip("".join(map(chr, range(0x21))))
    return json[1:-1] if len(json) >= 2 and json[0] in "[{" else json

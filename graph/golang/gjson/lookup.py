"""gjson paths, as Go's gjson 1.18 finds them (https://github.com/tidwall/gjson).

KServe's router reads its conditions with that library, and its corners decide where a request
goes: `{missing}` exists, `lang=="fr"` does not. The maintained Python readers (pygjson, gjson)
agree on plain paths and queries but know neither `!true`, `@dig`, `#[...]` nor an open bracket,
so this one is our own; `tests/conformance` holds it against the real one.

A path that is deeper than `MAX_PARTS` finds nothing here, because the search recurses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from graph.golang.gjson.modifiers import apply_modifier, is_true, read_static
from graph.golang.gjson.paths import (
    ArrayPart,
    KeyPart,
    Query,
    Selector,
    cut_array,
    cut_key,
    cut_multipath,
    name_of,
    split_pipe,
)
from graph.golang.gjson.text import (
    NOTHING,
    Kind,
    Value,
    elements,
    find_container,
    members,
    parse,
    parse_number,
    quote,
    unescape,
)
from graph.golang.gjson.wildcards import matches_wildcards
from graph.golang.json import is_valid

MAX_PARTS = 100

T = TypeVar("T", str, float)


def find(body: bytes, path: str) -> Value:
    """The value that `path` finds in `body`, which is valid JSON. It may not exist."""
    if path.count(".") + path.count("|") > MAX_PARTS:
        return NOTHING
    return get(body.decode("latin-1"), path.encode().decode("latin-1"))


def get(json: str, path: str) -> Value:
    """`find` on text of one character per byte."""
    if len(path) > 1:
        if path[0] in "@!":
            made = apply_modifier(json, path, get) if path[0] == "@" else read_static(path)
            if made is not None:
                text, rest = made
                return get(text, rest[1:]) if rest[:1] in ("|", ".") else parse(text)
        elif path[0] in "[{":
            cut = cut_multipath(path)
            rest = cut[1] if cut else ""
            if cut and rest[:1] in ("", "|", "."):
                collected = _collect(json, path[0], cut[0])
                return get(collected.raw, rest[1:]) if rest else collected
            path = rest
    search = _Search()
    search.begin(json, path)
    return search.value if search.pipe is None else get(search.value.raw, search.pipe)


def _collect(json: str, bracket: str, selectors: list[Selector]) -> Value:
    """The multipath: what its paths find, as a new array or object."""
    parts = []
    for selector in selectors:
        value = get(json, selector.path)
        if value.exists and bracket == "[":
            parts.append(value.raw)
        elif value.exists:
            name = selector.name or quote(name_of(selector))
            if selector.name and not (name[0] == '"' and is_valid(name.encode("latin-1"))):
                name = quote(name)
            parts.append(f"{name}:{value.raw}")
    return Value(Kind.JSON, bracket + ",".join(parts) + ("]" if bracket == "[" else "}"))


@dataclass
class _Search:
    """One search. It goes on behind a dead end, because a key may stand twice in an object."""

    value: Value = NOTHING
    pipe: str | None = None

    def begin(self, json: str, path: str) -> None:
        if path.startswith(".."):
            self._in_array(json, 0, path[2:])  # the text as JSON lines
            return
        start = find_container(json)
        if start >= 0:
            self._inside(json[start:], path)

    def _inside(self, json: str, path: str) -> bool:
        if json.startswith("{"):
            return self._in_object(json, cut_key(path))
        return json.startswith("[") and self._in_array(json, 1, path)

    def _in_object(self, json: str, part: KeyPart) -> bool:
        """True where the search ends here."""
        if part.rest is None and part.pipe is not None:
            self.pipe = part.pipe
        for key, value in members(json, 1):
            name = unescape(key[1:-1])
            if matches_wildcards(name, part.key) if part.wild else name == part.key:
                if part.rest is None:
                    self.value = value
                    return True
                if value.kind is Kind.JSON and self._inside(value.raw, part.rest):
                    return True
        return False

    def _in_array(self, json: str, at: int, path: str) -> bool:
        part = cut_array(path)
        if part.rest is None and part.pipe is not None:
            self.pipe = part.pipe
        if part.query is not None:
            return self._by_query(json, at, part, part.query)
        if part.hash:
            return part.part == "#" and self._all(json, at, part)
        for index, value in enumerate(elements(json, at)):
            if index == part.index:
                if part.rest is None:
                    self.value = value
                    return True
                return value.kind is Kind.JSON and self._inside(value.raw, part.rest)
        return False

    def _all(self, json: str, at: int, part: ArrayPart) -> bool:
        """`#`, the number of elements, or `#.path`, what the path finds in each."""
        if part.projection is None:
            self.value = Value(Kind.NUMBER, str(sum(1 for _ in elements(json, at))))
            return True
        path, pipe = split_pipe(part.projection)
        if pipe is not None:
            self.pipe = pipe
        found = [
            value for element in elements(json, at) if (value := get(element.raw, path)).exists
        ]
        self.value = Value(Kind.JSON, "[" + ",".join(value.raw for value in found) + "]")
        return True

    def _by_query(self, json: str, at: int, part: ArrayPart, query: Query) -> bool:
        """`#(...)`, the first element that the query holds for, or `#(...)#`, all of them."""
        rest, pipe = (None, None) if part.rest is None else split_pipe(part.rest)
        hits: list[Value] = []
        for element in elements(json, at):
            if not _holds(query, element):
                continue
            if pipe is not None:
                self.pipe = pipe
            hit = element if rest is None else get(element.raw, rest)
            if not query.every:
                self.value = hit
                return True
            hits.append(hit)
        if query.every and not self.value.exists:
            self.value = Value(Kind.JSON, "[" + ",".join(v.raw for v in hits if v.raw) + "]")
        return False


def _holds(query: Query, element: Value) -> bool:
    if element.kind is Kind.JSON:
        value = get(element.raw, query.path)
    elif query.path:
        return False
    else:
        value = element
    operand = query.value
    if operand.startswith("~"):
        kind = _as_truth(value, operand[1:])
        value, operand = (NOTHING, "") if kind is None else (Value(kind, kind.value), "true")
    if not value.exists:
        return False
    return query.op == "" or _compare(value, query.op, operand)


def _as_truth(value: Value, operand: str) -> Kind | None:
    """`~true`, `~false`, `~null` and `~*`: whether the value counts as such."""
    holds = {
        "*": value.exists,
        "null": value.kind is Kind.NULL,
        "true": is_true(value),
        "false": _is_false(value),
    }.get(operand)
    return None if holds is None else Kind.TRUE if holds else Kind.FALSE


def _is_false(value: Value) -> bool:
    if value.kind is Kind.STRING:
        return value.text.lower() in ("0", "f", "false")
    if value.kind is Kind.NUMBER:
        return value.number == 0
    return value.kind in (Kind.NULL, Kind.FALSE)


def _compare(value: Value, op: str, operand: str) -> bool:
    """The type of the value decides how it is compared."""
    if value.kind is Kind.STRING:
        if op in ("%", "!%"):
            return matches_wildcards(value.text, operand) == (op == "%")
        return _order(value.text, op, operand)
    if value.kind is Kind.NUMBER:
        return _order(value.number, op, parse_number(operand))
    if value.kind is Kind.TRUE:
        return {"=": operand == "true", "!=": operand != "true", ">": operand == "false"}.get(
            op, op == ">="
        )
    if value.kind is Kind.FALSE:
        return {"=": operand == "false", "!=": operand != "false", "<": operand == "true"}.get(
            op, op == "<="
        )
    return False


def _order(left: T, op: str, right: T) -> bool:
    return {
        "=": left == right,
        "!=": left != right,
        "<": left < right,
        "<=": left <= right,
        ">": left > right,
        ">=": left >= right,
    }.get(op, False)

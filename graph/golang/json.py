"""JSON as Go's `encoding/json` decodes it into `interface{}` and writes it again.

KServe's router does so in an Ensemble and for `mapPredictionsToInstances`, so a number that went
in as `1.0` comes out as `1`. Three things differ from Python's json: every number is a float64,
bytes that are not UTF-8 and lone surrogates become U+FFFD, and keys come out sorted.

Go decodes JSON that is nested up to 10,000 levels deep. It is recognised as JSON here too, but what
is nested over `MAX_DEPTH` levels is not decoded, because decoding recurses.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from decimal import Decimal
from typing import Any, NoReturn

from graph.golang.quoting import escape_json, quote_json

MAX_DEPTH = 256
# What is nested more deeply is not JSON for Go.
MAX_VALID_DEPTH = 10_000

_SURROGATE = re.compile("[\ud800-\udfff]")
_ANY_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_STRING = rb'"(?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*+"'
_SCALAR = _STRING + rb"|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null"
# One token and the space around it; the last one ends the text.
_TOKEN = re.compile(
    rb"[ \t\r\n]*+(?:(?P<open>[\[{])|(?P<close>[\]}])|(?P<key>" + _STRING + rb")[ \t\r\n]*:|"
    rb"(?P<scalar>" + _SCALAR + rb")|(?P<comma>,)|(?P<end>\Z))"
)


# Between these Python writes a number as Go does, but for those that are whole.
_SMALLEST, _LARGEST = 1e-4, 1e15


class DecodeError(ValueError):
    """A body that Go's json.Unmarshal refuses."""


class _OddNumber(Exception):
    """A number that Python writes otherwise than Go."""


class Pairs(list[tuple[str, Any]]):
    """A JSON object in its own order, duplicates kept: Go assigns one after the other."""


def is_valid(body: bytes) -> bool:
    """Go's json.Valid."""
    try:
        _VALID.decode(_text(body))
    except ValueError:
        return False
    except RecursionError:
        return is_valid_when_deep(body)
    return True


def is_valid_when_deep(body: bytes) -> bool:
    """`is_valid` without recursion: slower, and for any depth that Go takes."""
    value = {"open", "scalar"}
    at, wanted, opened = 0, value, bytearray()
    while (found := _TOKEN.match(body, at)) and (kind := found.lastgroup) in wanted:
        at = found.end()
        if kind == "end":
            return True
        if kind == "open":
            opened += found["open"]
            wanted = {"close", "key"} if opened.endswith(b"{") else {"close"} | value
            if len(opened) > MAX_VALID_DEPTH:
                return False
        elif kind == "key":
            wanted = value
        elif kind == "comma":
            wanted = {"key"} if opened.endswith(b"{") else value
        else:
            # In ASCII a closing bracket comes two characters after its opening one.
            if kind == "close" and ord(found["close"]) - opened.pop() != 2:
                return False
            wanted = {"comma", "close"} if opened else {"end"}
    return False


def decode_pairs(body: bytes) -> Any:
    """The value of `body`, objects as `Pairs`, numbers as float (infinite where out of range).

    Raises DecodeError.
    """
    if _depth(body) > MAX_DEPTH:
        raise DecodeError(f"JSON nested over {MAX_DEPTH} levels")
    try:
        text = _text(body)
        may_lack_halves = "\\u" in text or _SURROGATE.search(text)
        return (_CLEAN_PAIRS if may_lack_halves else _PAIRS).decode(text)
    except ValueError as err:
        raise DecodeError(f"not JSON: {err}") from err


def read_for_people(body: bytes) -> Any:
    """The JSON value of `body` as Python has it, or its text where it is no JSON, or too deep."""
    text = body.decode("utf-8", "backslashreplace")
    if _depth(body) > MAX_DEPTH or not is_valid(body):
        return text
    return json.loads(text, parse_int=lambda digits: int(digits) if len(digits) < 400 else digits)


def decode_object(body: bytes) -> dict[str, Any] | None:
    """The JSON object (or null) of `body`, as Go decodes it into a map.

    Raises DecodeError for what is neither, and for a number that no float64 holds.
    """
    value = decode_pairs(body)
    if value is not None and not isinstance(value, Pairs):
        raise DecodeError("this is other JSON")
    if has_number_out_of_range(value):
        raise DecodeError("it holds a number that no float64 holds")
    return None if value is None else dict(value)


def has_number_out_of_range(value: Any) -> bool:
    """True where a number is over what a float64 holds, such as 1e400."""
    if isinstance(value, Pairs):
        return any(has_number_out_of_range(inner) for _, inner in value)
    if isinstance(value, list):
        return any(map(has_number_out_of_range, value))
    return isinstance(value, float) and math.isinf(value)


def encode(value: Any) -> bytes:
    """Go's json.Marshal: compact, keys sorted, HTML characters escaped."""
    try:
        text = _ENCODER.encode(_plain(value))
    except _OddNumber:
        return _encode(value).encode()
    return escape_json(_clean(text)).encode()


def format_number(value: float) -> str:
    """A float64 as Go writes it: shortest form, exponent from 1e21 up and below 1e-6."""
    if value == 0 or 1e-6 <= abs(value) < 1e21:
        return f"{Decimal(repr(value)):f}".removesuffix(".0")
    return repr(value).replace("e-0", "e-")


def _text(body: bytes) -> str:
    text = body.decode("utf-8", "surrogateescape")
    if text.startswith("\ufeff"):
        raise ValueError("a byte order mark")
    return text


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _clean_keys(pairs: list[tuple[str, Any]]) -> Pairs:
    return Pairs((_clean(key), value) for key, value in pairs)


def _clean(text: str) -> str:
    return _SURROGATE.sub("\ufffd", text)


# Made once, for the making takes as long as a small body.
_VALID = json.JSONDecoder(parse_int=float, parse_constant=_refuse_constant)
_PAIRS, _CLEAN_PAIRS = (
    json.JSONDecoder(parse_int=float, parse_constant=_refuse_constant, object_pairs_hook=hook)
    for hook in (Pairs, _clean_keys)
)
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _depth(body: bytes) -> int:
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return 0
    brackets = re.findall(rb"[\[{\]}]", _ANY_STRING.sub(b"", body))
    steps = (1 if bracket in b"[{" else -1 for bracket in brackets)
    return max(itertools.accumulate(steps), default=0)


def _plain(value: Any) -> Any:
    """A value that Python's encoder writes as Go would, but for what `escape_json` escapes.

    Raises _OddNumber.
    """
    if isinstance(value, Pairs):
        value = dict(value)
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return _plain_number(value) if isinstance(value, float) else value


def _plain_number(value: float) -> float:
    if not _SMALLEST <= abs(value) < _LARGEST and (value or math.copysign(1, value) < 0):
        raise _OddNumber
    return int(value) if value.is_integer() else value


def _encode(value: Any) -> str:
    if isinstance(value, str):
        return quote_json(_clean(value))
    if isinstance(value, float):
        return format_number(value)
    if isinstance(value, Pairs):
        return _encode(dict(value))
    if isinstance(value, dict):
        inner = (f"{_encode(key)}:{_encode(value[key])}" for key in sorted(value))
        return "{" + ",".join(inner) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_encode, value)) + "]"
    return {None: "null", True: "true", False: "false"}[value]

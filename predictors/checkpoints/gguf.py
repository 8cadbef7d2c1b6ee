"""Reads the header of a GGUF file: what it holds, and whether all of it is there.

Only the header is read, never a weight. A file that is no GGUF, or is shorter than its own table of
tensors says, is refused by name. The layout is that of ggml's GGUF specification, versions 2 and 3,
little-endian.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from graph.errors import ModelError

_MAGIC = b"GGUF"
_STRING, _ARRAY = 8, 9
# Codes of `struct` by the specification's numbers of types; 8 and 9 are not of a fixed size.
_SCALARS = dict(enumerate("BbHhIif?")) | {10: "Q", 11: "q", 12: "d"}
# Numbers of `tokenizer.ggml.token_type`: of control tokens, and of tokens that somebody added.
_CONTROL, _USER_DEFINED = 3, 4
# Values and bytes of a block, by the type of tensor, as ggml counts them.
_BLOCKS = {
    number: (values, size)
    for values, sizes in (
        (1, {0: 4, 1: 2, 24: 1, 25: 2, 26: 4, 27: 8, 28: 8, 30: 2}),
        (32, {2: 18, 3: 20, 6: 22, 7: 24, 8: 34, 9: 36, 20: 18}),
        (256, {10: 84, 11: 110, 12: 144, 13: 176, 14: 210, 15: 292, 16: 66, 17: 74, 18: 98}),
        (256, {19: 50, 21: 110, 22: 82, 23: 136, 29: 56}),
    )
    for number, size in sizes.items()
}
# Bytes in a name, values in an array, entries in a table: far above any true file, so that a
# garbled length ends with a message instead of a wait.
_LIMIT = 1 << 26


@dataclass(frozen=True)
class GgufHeader:
    """architecture: such as `llama`.  context: positions the model was trained for, 0 if unsaid.

    special_tokens: those that steer the model and are no text, such as <|im_end|>.
    """

    architecture: str
    name: str
    context: int
    has_chat_template: bool
    special_tokens: tuple[str, ...]


@dataclass(frozen=True)
class _Numbers:
    """An array of numbers as it lies in the file, read when somebody asks for them."""

    code: str
    data: bytes

    def __iter__(self) -> Iterator[Any]:
        return (value for (value,) in struct.iter_unpack(self.code, self.data))


class _Garbled(Exception):
    """The header does not follow the specification."""


def read_header(path: Path) -> GgufHeader:
    """Raises ModelError when the file is absent, foreign, garbled or cut short."""
    try:
        with path.open("rb") as file:
            header, needed = _read(file)
        size = path.stat().st_size
    except OSError as err:
        raise ModelError(f"model gguf:{path}: {err.strerror or err}") from err
    except _Garbled as err:
        raise ModelError(f"model gguf:{path}: not a whole GGUF file: {err}") from err
    if size < needed:
        raise ModelError(
            f"model gguf:{path}: cut short: {size} bytes of at least {needed}; fetch it again"
        )
    return header


def _read(file: BinaryIO) -> tuple[GgufHeader, int]:
    """The header, and the bytes that the file needs at least."""
    if file.read(4) != _MAGIC:
        raise _Garbled("it does not begin with GGUF")
    version, tensors, entries = struct.unpack("<IQQ", _take(file, 20))
    if version not in (2, 3):
        raise _Garbled(f"version {version}, known are 2 and 3")
    values = _read_table(file, entries)
    architecture = str(values.get("general.architecture", ""))
    header = GgufHeader(
        architecture=architecture,
        name=str(values.get("general.name", "")),
        context=int(values.get(f"{architecture}.context_length", 0)),
        has_chat_template=bool(values.get("tokenizer.chat_template")),
        special_tokens=_special_tokens(values),
    )
    end = max((_read_tensor(file) for _ in range(_bounded(tensors))), default=0)
    alignment = int(values.get("general.alignment", 32)) or 1
    start = -(-file.tell() // alignment) * alignment
    return header, start + end


def _special_tokens(values: Mapping[str, Any]) -> tuple[str, ...]:
    """Control tokens, those that a setting names (`eos_token_id`), and added ones of the template.

    Other added tokens are text, such as runs of spaces or tags of HTML.
    """
    tokens, types = values.get("tokenizer.ggml.tokens"), values.get("tokenizer.ggml.token_type")
    if not isinstance(tokens, list):
        return ()
    template = str(values.get("tokenizer.chat_template", ""))
    found = set()
    for token, kind in zip(tokens, types if isinstance(types, _Numbers) else (), strict=False):
        is_added = kind == _USER_DEFINED and str(token).strip() and str(token) in template
        if kind == _CONTROL or is_added:
            found.add(str(token))
    for key, value in values.items():
        if re.fullmatch(r"tokenizer\.ggml\.\w+_token_id", key) and isinstance(value, int):
            found |= set(map(str, tokens[value : value + 1]))
    return tuple(sorted(found - {""}))


def _read_table(file: BinaryIO, entries: int) -> dict[str, Any]:
    values = {}
    for _ in range(_bounded(entries)):
        key = _read_string(file)
        values[key] = _read_value(file, _read_scalar(file, "I"))
    return values


def _read_tensor(file: BinaryIO) -> int:
    """One entry of the table of tensors; where that tensor ends in the data."""
    _read_string(file)
    dimensions = _read_scalar(file, "I")
    if dimensions > 8:
        raise _Garbled(f"a tensor of {dimensions} dimensions")
    count = math.prod(_read_scalar(file, "Q") for _ in range(dimensions))
    # A type that came later has blocks of unknown size, so only the beginning is counted.
    block, size = _BLOCKS.get(_read_scalar(file, "I"), (count, 1))
    return int(_read_scalar(file, "Q")) + (count // block * size if block else 0)


def _read_value(file: BinaryIO, kind: int) -> Any:
    if kind == _STRING:
        return _read_string(file)
    if kind in _SCALARS:
        return _read_scalar(file, _SCALARS[kind])
    if kind != _ARRAY:
        raise _Garbled(f"a value of type {kind}")
    inner, length = struct.unpack("<IQ", _take(file, 12))
    _bounded(length)
    if inner in _SCALARS:
        code = "<" + _SCALARS[inner]
        return _Numbers(code, _take(file, struct.calcsize(code) * length))
    return [_read_value(file, inner) for _ in range(length)]


def _read_string(file: BinaryIO) -> str:
    # The byte tokens of some tokenizers are not valid UTF-8 by themselves.
    return _take(file, _bounded(_read_scalar(file, "Q"))).decode(errors="replace")


def _read_scalar(file: BinaryIO, code: str) -> Any:
    return struct.unpack("<" + code, _take(file, struct.calcsize("<" + code)))[0]


def _take(file: BinaryIO, length: int) -> bytes:
    data = file.read(length)
    if len(data) < length:
        raise _Garbled("it ends inside its header")
    return data


def _bounded(length: int) -> int:
    if length > _LIMIT:
        raise _Garbled(f"a length of {length}")
    return length

"""The weights of a conversion, read from CTranslate2's `model.bin` for an engine other than that.

Layout, little-endian, of binary version 6: version, name and revision of the specification, the
variables (name, shape, type, bytes), and aliases of variables (`ctranslate2.specs.model_spec`).
"""

from __future__ import annotations

import json
import mmap
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from graph.errors import ModelError

VERSION = 6
SPECIFICATION = "TransformerSpec"
# By the number that stands for it.
_TYPES = (np.float32, np.int8, np.int16, np.int32, np.float16)
_SCALE = "_scale"

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Converted:
    """variables: by CTranslate2's names, as they lie in the file.  words: the vocabulary by index.

    start, unknown, end: the tokens that a decoder begins with, that stands for one that is not in
    the vocabulary, and that ends a text.
    """

    variables: Mapping[str, Array]
    words: list[str]
    start: str
    unknown: str
    end: str
    file: mmap.mmap

    def forget(self) -> None:
        """Give the memory back that holds the file; what is used again is read again."""
        self.file.madvise(mmap.MADV_DONTNEED)


def read_converted(folder: Path) -> Converted:
    """An encoder-decoder's. The weights are read when they are used. Raises ModelError."""
    try:
        config = json.loads((folder / "config.json").read_bytes())
        words = json.loads((folder / "shared_vocabulary.json").read_bytes())
        file = _opened(folder / "model.bin")
        variables = _read_variables(file)
    except (OSError, ValueError, struct.error, UnicodeDecodeError) as err:
        raise ModelError(f"{folder}: cannot be read: {err}; convert the model again") from err
    names = ("decoder_start_token", "unk_token", "eos_token")
    start, unknown, end = (str(config[name]) for name in names)
    return Converted(variables, words, start, unknown, end, file)


def _opened(path: Path) -> mmap.mmap:
    with path.open("rb") as file:
        # Copy on write: OpenVINO takes only what could be written to.
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)


def _read_variables(content: mmap.mmap) -> dict[str, Array]:
    file = _File(content)
    version, name = file.number("I"), file.text()
    if version != VERSION or name != SPECIFICATION:
        raise ValueError(f"model.bin is a {name} of version {version}, not a {SPECIFICATION}")
    file.number("I")
    found = dict(file.variables())
    for _ in range(file.number("I")):
        alias, variable = file.text(), file.text()
        found[alias] = found[variable]
        if variable + _SCALE in found:
            found[alias + _SCALE] = found[variable + _SCALE]
    return found


class _File:
    """What is read of a file, one after the other."""

    def __init__(self, content: mmap.mmap) -> None:
        self._content = np.frombuffer(content, np.uint8)
        self._place = 0

    def number(self, kind: str) -> int:
        [value] = struct.unpack("<" + kind, self._take(struct.calcsize("<" + kind)).tobytes())
        return int(value)

    def text(self) -> str:
        # A zero ends it.
        return self._take(self.number("H")).tobytes()[:-1].decode()

    def variables(self) -> Iterator[tuple[str, Array]]:
        for _ in range(self.number("I")):
            name = self.text()
            shape = [self.number("I") for _ in range(self.number("B"))]
            kind = self.number("B")
            if kind >= len(_TYPES):
                raise ValueError(f"{name} is of an unknown type")
            size = self.number("I")
            yield name, np.frombuffer(self._take(size).data, _TYPES[kind]).reshape(shape)

    def _take(self, size: int) -> Array:
        begin, self._place = self._place, self._place + size
        if self._place > len(self._content):
            raise ValueError("it is cut short")
        return self._content[begin : self._place]

"""What the encoder made of texts: keys and values for the decoder that writes their answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import openvino

from predictors.checkpoints.ctranslate2_file import Array
from predictors.engines.openvino_positions import HIDDEN


class Sources:
    """Of each item, keys and values [heads, length, size] and which of their places are padding.

    What comes first stays in the encoder's own memory, for most texts come and go together. When
    one joins or leaves, all of them move to memory with room for more, so that the next one costs
    no more than itself.
    """

    def __init__(self) -> None:
        self._parts: list[Array] = []
        self._lengths: list[int] = []
        # Whether they lie in memory of our own.
        self._own = False

    def begin(self, parts: Sequence[Array], lengths: Sequence[int]) -> None:
        """parts: [items, heads, longest, size], each of which is left alone while these stay."""
        self._parts, self._lengths, self._own = list(parts), list(lengths), False

    def keep(self, items: Sequence[int]) -> None:
        """Go on with these alone, which are named in their order."""
        self._make_room(0)
        for part in self._parts:
            for place, item in enumerate(items):
                if place != item:
                    part[place] = part[item]
        self._lengths = [self._lengths[item] for item in items]

    def make_room(self, lengths: Sequence[int]) -> None:
        """Before the encoder reads more."""
        self._make_room(len(lengths), max(lengths))

    def add(self, parts: Sequence[Array], lengths: Sequence[int]) -> None:
        """To be called after `make_room`."""
        first = len(self._lengths)
        for part, new in zip(self._parts, parts, strict=True):
            # What is beyond the length is of a text before: finite, and hidden.
            part[first : first + len(new), :, : new.shape[2]] = new
        self._lengths += lengths

    def tensors(self) -> list[Any]:
        count = len(self._lengths)
        return [openvino.Tensor(part[:count], shared_memory=True) for part in self._parts]

    def mask(self) -> Array:
        """[items, 1, 1, length]"""
        places = np.arange(self._parts[0].shape[2])
        hidden = places >= np.array(self._lengths)[:, None]
        return np.where(hidden, np.float32(HIDDEN), np.float32(0))[:, None, None]

    def _make_room(self, items: int, longest: int = 0) -> None:
        """Have memory of our own for so many more, and of a length that fits all of them."""
        count = len(self._lengths)
        needed = max([longest, *self._lengths])
        capacity, _, length, _ = self._parts[0].shape
        if self._own and count + items <= capacity and needed <= length < 2 * needed:
            return
        for i, part in enumerate(self._parts):
            shape = 2 * (count + items), part.shape[1], needed, part.shape[3]
            self._parts[i] = np.zeros(shape, part.dtype)
            kept = min(needed, length)
            self._parts[i][:count, :, :kept] = part[:count, :, :kept]
        self._own = True

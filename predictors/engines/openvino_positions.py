"""What tells a graph where its tokens stand, as numbers or as T5's bias of the attention.

The buckets are those of transformers' T5: near tokens have one each, far ones share by logarithm.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from predictors.checkpoints.ctranslate2_file import Array

# Softmax makes exactly nothing of it.
HIDDEN = -1e9
_NAME = "layer_0/self_attention/relative_attention"


class Positions:
    """side: "encoder" or "decoder"."""

    def __init__(self, variables: Mapping[str, Array], side: str) -> None:
        self._bias = variables.get(f"{side}/{_NAME}_bias")
        self._farthest = int(variables.get(f"{side}/{_NAME}_max_distance", np.array(0)))
        self._both_ways = side == "encoder"

    def of_text(self, length: int) -> Array:
        """Of tokens that are read at once: [length], or [1, heads, length, length]."""
        places = np.arange(length)
        return places.astype(np.int32) if self._bias is None else self._between(places, places)

    def of_tokens(self, place: int, began: Array) -> tuple[Array, Array]:
        """Of rows' tokens at a place, which see those before it from where their text began.

        began: [rows].  First where each stands in its text: [rows, 1].  Then what is added to its
        attention: [rows, heads or 1, 1, place + 1], or of one row, where it is the same for all.
        """
        keys = np.arange(place + 1)
        added = np.zeros((1, 1, 1, place + 1), np.float32)
        if began.any():
            added = np.where(keys < began[:, None], np.float32(HIDDEN), 0)[:, None, None]
        if self._bias is not None:
            added = added + self._between(np.array([place]), keys)
        return (place - began).astype(np.int32)[:, None], np.ascontiguousarray(added, np.float32)

    def _between(self, queries: Array, keys: Array) -> Array:
        """What the distance adds to the attention: [1, heads, queries, keys]."""
        assert self._bias is not None
        found = self._bias[self._bucket(keys[None] - queries[:, None])]
        return np.ascontiguousarray(found.transpose(2, 0, 1)[None], np.float32)

    def _bucket(self, distance: Array) -> Array:
        assert self._bias is not None
        count, first = len(self._bias), np.zeros_like(distance)
        if self._both_ways:
            count //= 2
            first = np.where(distance > 0, count, 0)
            distance = np.abs(distance)
        else:
            distance = np.maximum(-distance, 0)
        exact = count // 2
        far = np.log(np.maximum(distance, 1).astype(np.float32) / np.float32(exact))
        share = far / np.float32(np.log(self._farthest / exact)) * np.float32(count - exact)
        shared = np.minimum(exact + share.astype(np.int64), count - 1)
        return np.asarray(first + np.where(distance < exact, distance, shared))

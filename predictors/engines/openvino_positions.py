"""What tells a graph where its tokens stand, as numbers or as T5's bias of the attention.

The buckets are those of transformers' T5: near tokens have one each, far ones share by logarithm.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from predictors.checkpoints.ctranslate2_file import Array

_NAME = "layer_0/self_attention/relative_attention"


class Positions:
    """side: "encoder" or "decoder"."""

    def __init__(self, variables: Mapping[str, Array], side: str) -> None:
        self._bias = variables.get(f"{side}/{_NAME}_bias")
        self._farthest = int(variables.get(f"{side}/{_NAME}_max_distance", np.array(0)))
        self._both_ways = side == "encoder"

    def of_text(self, length: int) -> Array:
        """Of tokens that are read at once: [length], or [1, heads, length, length]."""
        return self._between(np.arange(length), np.arange(length))

    def of_token(self, place: int) -> Array:
        """Of the token at a place, which sees those before it: [1], or [1, heads, 1, place + 1]."""
        return self._between(np.array([place]), np.arange(place + 1))

    def _between(self, queries: Array, keys: Array) -> Array:
        if self._bias is None:
            return queries.astype(np.int32)
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

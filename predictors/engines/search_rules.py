"""Tokens that a search must not choose next, by transformers' definitions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from predictors.checkpoints.ctranslate2_file import Array
from predictors.checkpoints.generation import Generation

NEVER = -np.inf


class Rules:
    """What a generation forbids.  ends: tokens that end a text."""

    def __init__(self, generation: Generation, ends: Sequence[int]) -> None:
        self._generation = generation
        self._ends = list(ends)
        self._single = [word[0] for word in generation.bad_words if len(word) == 1]
        self._longer = [word for word in generation.bad_words if len(word) > 1]

    def never(self, tokens: Array) -> Array:
        """Which of these may never be said: as many booleans."""
        return np.isin(tokens, self._single)

    def bias(self, rows: int, words: int, forbidden: Sequence[tuple[int, int]]) -> Array:
        """What is added to the scores of all words: [rows, words].  forbidden: (row, token)."""
        bias = np.zeros((rows, words), np.float32)
        bias[:, self._single] = NEVER
        if forbidden:
            where = np.array(forbidden).T
            bias[where[0], where[1]] = NEVER
        return bias

    def forbidden(
        self, history: Array, ngrams: Ngrams, least: int = 0
    ) -> Iterator[tuple[int, int]]:
        """(row, token) for rows of one source.  history: [rows, tokens], the start token first.

        ngrams: of the source.  least: tokens before the end token.
        """
        size = self._generation.no_repeat_ngram_size
        if history.shape[1] <= least:
            yield from ((row, token) for row in range(len(history)) for token in self._ends)
        for row, said in enumerate(history.tolist()):
            if size:
                yield from ((row, token) for token in Ngrams(said, size).after(said))
            yield from ((row, token) for token in ngrams.after(said))
            for *begin, token in self._longer:
                if said[-len(begin) :] == begin:
                    yield row, token


class Ngrams:
    """The n-grams of some tokens; none where `size` is 0."""

    def __init__(self, tokens: Sequence[int], size: int) -> None:
        self._size = size
        self._next: dict[tuple[int, ...], list[int]] = {}
        for i in range(len(tokens) - size + 1 if size else 0):
            *begin, last = tokens[i : i + size]
            self._next.setdefault(tuple(begin), []).append(last)

    def after(self, said: Sequence[int]) -> Sequence[int]:
        """What would make one of them the end of what was said."""
        if len(said) + 1 < self._size or not self._next:
            return ()
        return self._next.get(tuple(said[len(said) + 1 - self._size :]), ())

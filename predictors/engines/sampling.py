"""Scores of tokens where more than the best few count: penalties, and answers drawn by chance."""

from __future__ import annotations

import numpy as np

from predictors.checkpoints.ctranslate2_file import Array
from predictors.checkpoints.generation import Generation


def ranked(logits: Array, history: Array, generation: Generation) -> Array:
    """What transformers ranks the tokens of each row by: [rows, words].

    That is the logits, with beams the log-probabilities, and what was said is less likely.
    """
    scores = np.array(logits) if generation.num_beams == 1 else _log_softmax(logits)
    if (penalty := generation.repetition_penalty) != 1.0:
        said = np.take_along_axis(scores, history, 1)
        less = np.where(said < 0, said * penalty, said / penalty)
        np.put_along_axis(scores, history, less.astype(scores.dtype), 1)
    return scores


class Dice:
    """Draws a token for each row by its probability, of the likeliest alone where so asked."""

    def __init__(self, generation: Generation, seed: int | None = None) -> None:
        self._generation = generation
        self._numbers = np.random.default_rng(seed)

    def choose(self, scores: Array) -> tuple[Array, Array]:
        """Scores and tokens, one for each row: [rows, 1]."""
        drawn = [self._draw(row) for row in scores / self._generation.temperature]
        tokens = np.array(drawn)[:, None]
        return np.take_along_axis(scores, tokens, 1), tokens

    def _draw(self, scores: Array) -> int:
        order = np.argsort(-scores, kind="stable")[: self._generation.top_k or None]
        shares = np.exp(_log_softmax(scores[order].astype(np.float64)))
        # The likeliest that reach the wanted share together, and at least one.
        before = np.cumsum(shares) - shares
        kept = before < self._generation.top_p if self._generation.top_p < 1 else shares > 0
        shares = np.where(kept, shares, 0)
        return int(order[self._numbers.choice(len(order), p=shares / shares.sum())])


def _log_softmax(logits: Array) -> Array:
    even = logits - logits.max(-1, keepdims=True)
    return np.asarray(even - np.log(np.exp(even).sum(-1, keepdims=True)))

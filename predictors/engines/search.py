"""Greedy search, beam search and sampling as transformers defines them, over a decoder's steps.

Texts are written together, each with as many rows as beams, and one that is done leaves the others.
`Beams` follows transformers' `_beam_search` (version 5): a beam that ends is kept aside with its
score by length, as long as it is among the best, and a text is done when no beam can be better.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from predictors.checkpoints.ctranslate2_file import Array
from predictors.checkpoints.generation import Generation
from predictors.engines.sampling import Dice, ranked
from predictors.engines.search_rules import Ngrams, Rules

# Of a beam that does not count.
_OUT = -1e9


class Decoder(Protocol):
    """See `openvino_network.Writing`."""

    words: int
    candidates: int

    def begin(self, sources: Sequence[Sequence[int]]) -> None: ...

    def step(self, tokens: Array, parents: Array, bias: Array, scores: Array) -> None: ...

    def best(self) -> tuple[Array, Array]: ...

    def logits(self) -> Array: ...

    def keep(self, items: Sequence[int]) -> None: ...


@dataclass(frozen=True)
class Source:
    """read: tokens of the source.  prefix: what the answer begins with, as long for all."""

    read: tuple[int, ...]
    prefix: tuple[int, ...] = ()

    @property
    def tokens(self) -> int:
        return len(self.read)


class Search:
    """start: the token that a decoder begins with.  ends: those that end a text."""

    def __init__(
        self, decoder: Decoder, generation: Generation, start: int, ends: Sequence[int]
    ) -> None:
        self._decoder = decoder
        self._generation = generation
        self._start = start
        self._ends = ends
        self._rules = Rules(generation, ends)
        self._dice = Dice(generation) if generation.do_sample else None

    def run(self, sources: Sequence[Source]) -> list[list[int]]:
        """The tokens of each answer, the prefix and the end token among them."""
        most = self._generation.max_new_tokens - int(self._generation.forced_eos)
        if most <= len(sources[0].prefix):
            return [list(source.prefix) for source in sources]
        texts = [_Text(source, self._generation, self._start, self._ends) for source in sources]
        self._decoder.begin([source.read for source in sources])
        open_texts = list(texts)
        beams = self._generation.num_beams
        parents = np.arange(len(texts) * beams)
        for step in range(self._generation.max_new_tokens):
            if step == self._generation.max_new_tokens - 1 and self._generation.forced_eos:
                for text in open_texts:
                    text.end()
                break
            values, tokens = self._step(open_texts, parents, step)
            chosen = [
                text.go_on(values[i], tokens[i], i * beams) for i, text in enumerate(open_texts)
            ]
            staying = [i for i, text in enumerate(open_texts) if not text.is_done]
            if not staying:
                break
            if len(staying) < len(open_texts):
                self._decoder.keep(staying)
                open_texts = [open_texts[i] for i in staying]
            parents = np.concatenate([chosen[i] for i in staying])
        return [text.answer() for text in texts]

    def _step(self, texts: list[_Text], parents: Array, step: int) -> tuple[Array, Array]:
        """The candidates of each text: [texts, beams, candidates]."""
        history = np.concatenate([text.history for text in texts])
        scores = np.concatenate([text.scores for text in texts])
        beams = self._generation.num_beams
        forbidden = [
            (i * beams + row, token)
            for i, text in enumerate(texts)
            for row, token in self._rules.forbidden(text.history, text.ngrams)
        ]
        bias = self._rules.bias(len(history), self._decoder.words, step, forbidden)
        self._decoder.step(history[:, -1], parents, bias, scores)
        wanted = _wanted(self._generation, self._ends)
        if step < len(texts[0].prefix):
            # A forced token has the probability one.
            forced = np.repeat([text.prefix[step] for text in texts], beams)
            best = np.full((len(history), wanted), _OUT), np.repeat(forced, wanted)
            best[0][:, 0] = scores
        elif self._is_ranked_outside or wanted > self._decoder.candidates:
            best = self._rank(history, bias, scores, wanted)
        else:
            best = self._decoder.best()
        values, tokens = (each.reshape(len(texts), beams, -1) for each in best)
        return values, tokens

    @property
    def _is_ranked_outside(self) -> bool:
        return self._dice is not None or self._generation.repetition_penalty != 1.0

    def _rank(self, history: Array, bias: Array, scores: Array, wanted: int) -> tuple[Array, Array]:
        """What the graph does, for settings that it does not know."""
        found = ranked(self._decoder.logits(), history, self._generation)
        if self._dice is not None:
            return self._dice.choose(found + bias)
        found += bias + scores[:, None]
        best = np.argpartition(-found, wanted - 1, 1)[:, :wanted]
        return np.take_along_axis(found, best, 1), best


def _wanted(generation: Generation, ends: Sequence[int]) -> int:
    """How many candidates a row needs, so that as many beams as there are go on."""
    return max(2, 1 + len(ends)) * generation.num_beams


class _Text:
    """The search for one answer: its beams, and those that have ended."""

    def __init__(
        self, source: Source, generation: Generation, start: int, ends: Sequence[int]
    ) -> None:
        beams = generation.num_beams
        self.prefix = source.prefix
        self.ngrams = Ngrams(source.read, generation.encoder_no_repeat_ngram_size)
        self.history: Array = np.full((beams, 1), start)
        # All beams are the same in the beginning, and only one of them counts.
        self.scores: Array = np.full(beams, _OUT, np.float32)
        self.scores[0] = 0
        self.is_done = False
        self._generation = generation
        self._ends = ends
        self._ended: list[tuple[float, list[int]]] = []

    def go_on(self, values: Array, tokens: Array, first: int) -> Array:
        """Take the best candidates [beams, candidates]; the rows that the beams go on from.

        first: the row of the first beam.
        """
        if self._generation.num_beams == 1:
            return self._go_on_alone(int(tokens[0, 0]), first)
        order = np.argsort(-values, axis=None, kind="stable")
        order = order[: _wanted(self._generation, self._ends)]
        values, rows = values.reshape(-1)[order], order // values.shape[1]
        tokens = tokens.reshape(-1)[order]
        ending = np.isin(tokens, self._ends)
        if self._length + 1 == self._generation.max_new_tokens:
            ending[:] = True
        self._put_aside(values, rows, tokens, ending)
        running = np.argsort(-(values + np.where(ending, _OUT, 0)), kind="stable")
        running = running[: len(self.scores)]
        self.scores = values[running] + np.where(ending[running], np.float32(_OUT), 0)
        rows = rows[running]
        self.history = np.concatenate([self.history[rows], tokens[running, None]], 1)
        self.is_done = bool(ending.all()) or not self._can_improve()
        return np.asarray(first + rows)

    def end(self) -> None:
        """End every beam with the end token, which costs nothing."""
        ends = np.full(len(self.scores), self._ends[0])
        rows = np.arange(len(self.scores))
        self._put_aside(self.scores, rows, ends, np.full(len(rows), True))
        self.is_done = True

    def answer(self) -> list[int]:
        return max(self._ended, key=lambda ended: ended[0])[1]

    @property
    def _length(self) -> int:
        """Tokens that were written."""
        return int(self.history.shape[1]) - 1

    def _go_on_alone(self, token: int, first: int) -> Array:
        self.history = np.append(self.history, [[token]], 1)
        if token in self._ends or self._length == self._generation.max_new_tokens:
            self._ended.append((0.0, self.history[0, 1:].tolist()))
            self.is_done = True
        return np.array([first])

    def _put_aside(self, values: Array, rows: Array, tokens: Array, ending: Array) -> None:
        """Keep the best that ended, of those among the first so many as there are beams."""
        beams = len(self.scores)
        if self._generation.early_stopping and len(self._ended) == beams:
            return
        by_length = (self._length + 1) ** self._generation.length_penalty
        for i in np.flatnonzero(ending[:beams]).tolist():
            said = [*self.history[rows[i], 1:].tolist(), int(tokens[i])]
            self._ended.append((float(values[i]) / by_length, said))
        self._ended.sort(key=lambda ended: -ended[0])
        del self._ended[beams:]

    def _can_improve(self) -> bool:
        if len(self._ended) < len(self.scores):
            return True
        possible = float(self.scores[0]) / self._length**self._generation.length_penalty
        return not self._generation.early_stopping and possible > self._ended[-1][0]

"""Greedy search, beam search and sampling as transformers defines them, over a decoder's steps.

Texts are written together, each with as many rows as beams. One that is done leaves the others, and
others may come between two steps.
Beams follow transformers' `_beam_search` (version 5): one that ends is kept aside with its
score by length, as long as it is among the best, and a text is done when no beam can be better.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from predictors.checkpoints.ctranslate2_file import Array
from predictors.checkpoints.generation import Generation
from predictors.engines.sampling import Dice, ranked
from predictors.engines.search_rules import NEVER, Ngrams, Rules

# Of a beam that does not count.
_OUT = -1e9


class Decoder(Protocol):
    """See `openvino_network.Writing`."""

    def clear(self) -> None: ...

    def add(self, sources: Sequence[Sequence[int]]) -> None: ...

    def step(self, tokens: Array, parents: Array) -> None: ...

    def best(self) -> tuple[Array, Array]: ...

    def logits(self) -> Array: ...

    def keep(self, items: Sequence[int]) -> None: ...


@dataclass(frozen=True)
class Source:
    """read: tokens of the source.  prefix: what the answer begins with.

    most: tokens of the answer, the end token among them.  least: those before it.
    """

    read: tuple[int, ...]
    most: int
    least: int = 0
    prefix: tuple[int, ...] = ()

    @property
    def tokens(self) -> int:
        return len(self.read)


class Search:
    """Texts that are being written, each of which has a number.

    generation: of all of them, but for their lengths.  start: the token that a decoder
    begins with.  ends: those that end a text.
    """

    def __init__(
        self, decoder: Decoder, generation: Generation, start: int, ends: Sequence[int]
    ) -> None:
        self._decoder = decoder
        self._generation = generation
        self._start = start
        self._ends = ends
        self._rules = Rules(generation, ends)
        self._wanted = _wanted(generation, ends)
        self._dice = Dice(generation) if generation.do_sample else None
        self._texts: dict[int, _Text] = {}
        decoder.clear()

    def run(self, sources: Sequence[Source]) -> list[list[int]]:
        """The tokens of each answer, the prefix and the end token among them."""
        found = self.add(dict(enumerate(sources)))
        while self.numbers:
            found |= self.step()
        return [found[i] for i in range(len(sources))]

    @property
    def numbers(self) -> Sequence[int]:
        """Of the texts that are being written."""
        return list(self._texts)

    def add(self, sources: Mapping[int, Source]) -> dict[int, list[int]]:
        """Begin texts beside those that are being written; answers that are done already."""
        forced = int(self._generation.forced_eos)
        done = {
            i: list(each.prefix)
            for i, each in sources.items()
            if each.most - forced <= len(each.prefix)
        }
        begun = {i: source for i, source in sources.items() if i not in done}
        if begun:
            self._decoder.add([source.read for source in begun.values()])
        for i, source in begun.items():
            self._texts[i] = _Text(source, self._generation, self._start, self._ends)
        return done

    def step(self) -> dict[int, list[int]]:
        """Write a token of each; the answers that are done with it."""
        for text in self._texts.values():
            if self._generation.forced_eos and text.length == text.most - 1:
                text.end()
        done = self._take_done()
        if self._texts:
            values, tokens = self._candidates(list(self._texts.values()))
            for i, text in enumerate(self._texts.values()):
                text.go_on(values[i], tokens[i], i * self._generation.num_beams)
            done |= self._take_done()
        return done

    def drop(self, numbers: Collection[int]) -> None:
        """Write these texts no further."""
        staying = [i for i, number in enumerate(self._texts) if number not in numbers]
        if len(staying) < len(self._texts):
            self._texts = {i: text for i, text in self._texts.items() if i not in numbers}
            self._decoder.keep(staying)

    def _take_done(self) -> dict[int, list[int]]:
        done = {i: text.answer() for i, text in self._texts.items() if text.is_done}
        self.drop(done)
        return done

    def _candidates(self, texts: Sequence[_Text]) -> tuple[Array, Array]:
        """Of each text: scores and tokens [texts, beams, candidates]."""
        history = [row for text in texts for row in text.history]
        scores = np.concatenate([text.scores for text in texts])
        parents = np.concatenate([text.rows for text in texts])
        beams = self._generation.num_beams
        forbidden = [
            (i * beams + row, token)
            for i, text in enumerate(texts)
            for row, token in self._rules.forbidden(text.history, text.ngrams, text.least)
        ]
        self._decoder.step(np.array([row[-1] for row in history]), parents)
        best = None if self._is_ranked_outside else self._allowed(scores, forbidden)
        best = best or self._rank(history, scores, forbidden)
        values, tokens = (each.reshape(len(texts), beams, -1) for each in best)
        return self._with_prefixes(texts, values, tokens)

    def _with_prefixes(
        self, texts: Sequence[_Text], values: Array, tokens: Array
    ) -> tuple[Array, Array]:
        """A token that an answer begins with has the probability one."""
        forced = [i for i, text in enumerate(texts) if text.length < len(text.prefix)]
        if forced:
            values, tokens = values.copy(), tokens.copy()
        for i in forced:
            values[i] = _OUT
            values[i, :, 0] = texts[i].scores
            tokens[i] = texts[i].prefix[texts[i].length]
        return values, tokens

    @property
    def _is_ranked_outside(self) -> bool:
        return self._dice is not None or self._generation.repetition_penalty != 1.0

    def _allowed(
        self, scores: Array, forbidden: Sequence[tuple[int, int]]
    ) -> tuple[Array, Array] | None:
        """The best that may be said; None where the decoder's candidates are too few."""
        values, tokens = self._decoder.best()
        out = self._rules.never(tokens)
        for row, token in forbidden:
            out[row] |= tokens[row] == token
        if tokens.shape[1] - out.sum(1).max() < self._wanted:
            return None
        values = np.where(out, NEVER, values) + scores[:, None]
        # Those that may not be said come last, and the others keep their order.
        order = np.argsort(out, 1, kind="stable")[:, : self._wanted]
        return np.take_along_axis(values, order, 1), np.take_along_axis(tokens, order, 1)

    def _rank(
        self, history: Sequence[Array], scores: Array, forbidden: Sequence[tuple[int, int]]
    ) -> tuple[Array, Array]:
        """By the logits of all words."""
        # Tokens count once however often they were said, so that shorter ones repeat their first.
        longest = max(map(len, history))
        even = np.array([[*[row[0]] * (longest - len(row)), *row] for row in history])
        found = ranked(self._decoder.logits(), even, self._generation)
        found += self._rules.bias(len(found), found.shape[1], forbidden)
        if self._dice is not None:
            return self._dice.choose(found)
        found += scores[:, None]
        some = np.argpartition(-found, self._wanted - 1, 1)[:, : self._wanted]
        order = np.argsort(-np.take_along_axis(found, some, 1), 1, kind="stable")
        best = np.take_along_axis(some, order, 1)
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
        self.most, self.least = source.most, source.least
        self.ngrams = Ngrams(source.read, generation.encoder_no_repeat_ngram_size)
        self.history: Array = np.full((beams, 1), start)
        # All beams are the same in the beginning, and only one of them counts.
        self.scores: Array = np.full(beams, _OUT, np.float32)
        self.scores[0] = 0
        # Those of the step before that the beams go on from: any, before there was one.
        self.rows: Array = np.zeros(beams, np.int64)
        self.is_done = False
        self._generation = generation
        self._ends = ends
        self._ended: list[tuple[float, list[int]]] = []

    def go_on(self, values: Array, tokens: Array, first: int) -> None:
        """Take the best candidates [beams, candidates].  first: the row of the first beam."""
        if self._generation.num_beams == 1:
            self._go_on_alone(int(tokens[0, 0]), first)
            return
        order = np.argsort(-values, axis=None, kind="stable")
        order = order[: _wanted(self._generation, self._ends)]
        values, rows = values.reshape(-1)[order], order // values.shape[1]
        tokens = tokens.reshape(-1)[order]
        ending = np.isin(tokens, self._ends)
        if self.length + 1 == self.most:
            ending[:] = True
        self._put_aside(values, rows, tokens, ending)
        running = np.argsort(-(values + np.where(ending, _OUT, 0)), kind="stable")
        running = running[: len(self.scores)]
        self.scores = values[running] + np.where(ending[running], np.float32(_OUT), 0)
        rows = rows[running]
        self.history = np.concatenate([self.history[rows], tokens[running, None]], 1)
        self.rows = np.asarray(first + rows)
        self.is_done = bool(ending.all()) or not self._can_improve()

    def end(self) -> None:
        """End every beam with the end token, which costs nothing."""
        ends = np.full(len(self.scores), self._ends[0])
        rows = np.arange(len(self.scores))
        self._put_aside(self.scores, rows, ends, np.full(len(rows), True))
        self.is_done = True

    def answer(self) -> list[int]:
        return max(self._ended, key=lambda ended: ended[0])[1]

    @property
    def length(self) -> int:
        """Tokens that were written."""
        return int(self.history.shape[1]) - 1

    def _go_on_alone(self, token: int, first: int) -> None:
        self.history = np.append(self.history, [[token]], 1)
        if token in self._ends or self.length == self.most:
            self._ended.append((0.0, self.history[0, 1:].tolist()))
            self.is_done = True
        self.rows = np.array([first])

    def _put_aside(self, values: Array, rows: Array, tokens: Array, ending: Array) -> None:
        """Keep the best that ended, of those among the first so many as there are beams."""
        beams = len(self.scores)
        if self._generation.early_stopping and len(self._ended) == beams:
            return
        by_length = (self.length + 1) ** self._generation.length_penalty
        for i in np.flatnonzero(ending[:beams]).tolist():
            said = [*self.history[rows[i], 1:].tolist(), int(tokens[i])]
            self._ended.append((float(values[i]) / by_length, said))
        self._ended.sort(key=lambda ended: -ended[0])
        del self._ended[beams:]

    def _can_improve(self) -> bool:
        if len(self._ended) < len(self.scores):
            return True
        possible = float(self.scores[0]) / self.length**self._generation.length_penalty
        return not self._generation.early_stopping and possible > self._ended[-1][0]

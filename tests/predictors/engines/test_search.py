"""Searches over a decoder whose next token hangs on the last one alone: a table of probabilities.

Whether real models are searched as transformers does, the tests of the checkpoints show.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictors.checkpoints.ctranslate2_file import Array
from predictors.checkpoints.generation import Generation
from predictors.engines.search import Search, Source

START, END, A, B, C = range(5)
SOURCE = Source((A, B, END), most=0)
# Of the next token, by the one before. Alone, `a` looks best, but what follows it does not.
NEXT = np.full((5, 5), 1e-6)
NEXT[START, [A, B]] = 0.6, 0.4
NEXT[A, [A, B, C]] = 0.34, 0.33, 0.33
NEXT[B, [END, C]] = 0.9, 0.1
NEXT[C, [END]] = 1.0


class Table:
    """Follows `parents` as a decoder does, and counts what is asked of it."""

    def __init__(self, candidates: int = 4) -> None:
        self.candidates = candidates
        self.rows: list[int] = []

    def clear(self) -> None:
        self.items = 0

    def add(self, sources: Sequence[Sequence[int]]) -> None:
        self.items += len(sources)

    def step(self, tokens: Array, parents: Array) -> None:
        assert len(tokens) == len(parents)
        assert len(tokens) % self.items == 0
        self.rows.append(len(tokens))
        self._scores = np.log(NEXT[tokens] / NEXT[tokens].sum(1, keepdims=True))

    def best(self) -> tuple[Array, Array]:
        order = np.argsort(-self._scores, 1, kind="stable")[:, : self.candidates]
        return np.take_along_axis(self._scores, order, 1), order

    def logits(self) -> Array:
        return np.asarray(self._scores)

    def keep(self, items: Sequence[int]) -> None:
        assert sorted({*items}) == [*items] and max(items, default=0) < self.items
        self.items = len(items)


def answers(generation: Generation, *sources: Source) -> list[list[int]]:
    most, least = generation.max_new_tokens, generation.min_new_tokens
    asked = [replace(each, most=most, least=least) for each in sources or [SOURCE]]
    return Search(Table(), generation, START, [END]).run(asked)


def test_one_beam_takes_the_best_token_and_more_find_a_better_text() -> None:
    assert answers(Generation(max_new_tokens=3)) == [[A, A, A]]
    assert answers(Generation(max_new_tokens=3, num_beams=2)) == [[B, END]]


def test_what_is_forbidden_is_not_said() -> None:
    three = Generation(max_new_tokens=3)
    assert answers(Generation(max_new_tokens=3, bad_words=((A,),))) == [[B, END]]
    assert answers(Generation(max_new_tokens=3, bad_words=((A, A),))) == [[A, B, END]]
    assert answers(Generation(max_new_tokens=3, no_repeat_ngram_size=1)) == [[A, B, END]]
    assert answers(Generation(max_new_tokens=4, no_repeat_ngram_size=2)) == [[A, A, B, END]]
    by_source = Generation(max_new_tokens=3, encoder_no_repeat_ngram_size=2)
    assert answers(by_source, Source((A, A, END), most=3)) == [[A, B, END]]
    assert answers(three) == [[A, A, A]]


@pytest.mark.parametrize("beams", [1, 2])
def test_how_many_the_decoder_ranks_changes_no_answer(beams: int) -> None:
    """Where too many of them may not be said, all words are ranked."""
    generation = Generation(num_beams=beams, bad_words=((C,), (B, END)), no_repeat_ngram_size=1)
    source = Source((A, B, END), most=4, least=2)
    found = [
        Search(Table(candidates), generation, START, [END]).run([source])
        for candidates in range(1, 6)
    ]
    assert found == [found[0]] * 5


def test_an_answer_has_its_length_and_its_prefix() -> None:
    assert answers(Generation(max_new_tokens=3, min_new_tokens=2, num_beams=2)) == [[A, B, END]]
    assert answers(Generation(max_new_tokens=2, forced_eos=True)) == [[A, END]]
    for beams in (1, 2):
        generation = Generation(max_new_tokens=3, num_beams=beams)
        assert answers(generation, Source((A,), most=4, prefix=(C,))) == [[C, END]]
    assert answers(Generation(max_new_tokens=1), Source((A,), most=4, prefix=(C,))) == [[C]]


def test_a_text_that_is_done_leaves_the_others() -> None:
    table = Table()
    search = Search(table, Generation(max_new_tokens=4), START, [END])
    found = search.run([replace(SOURCE, most=4)])
    assert found == [[A, A, A, A]]
    prefixed = [Source((A,), most=4, prefix=(B,)), Source((A,), most=4, prefix=(A,))]
    table.rows.clear()
    assert search.run(prefixed) == [[B, END], [A, A, A, A]]
    assert table.rows == [2, 2, 1, 1]


def test_what_was_said_is_less_likely_under_a_penalty() -> None:
    assert answers(Generation(max_new_tokens=3, repetition_penalty=1.5)) == [[A, B, END]]


@pytest.mark.parametrize("kept", [{"top_k": 1}, {"top_p": 0.01}])
def test_of_the_likeliest_alone_chance_has_no_choice(kept: dict[str, float]) -> None:
    drawn = Generation(max_new_tokens=3, do_sample=True, **kept)  # type: ignore[arg-type]
    assert answers(drawn) == [[A, A, A]]


def test_answers_are_drawn_by_their_probability() -> None:
    drawn = Generation(max_new_tokens=1, do_sample=True)
    first = [row[0] for row in answers(drawn, *[SOURCE] * 400)]
    assert 0.5 < first.count(A) / 400 < 0.7


@settings(max_examples=60, deadline=None)
@given(
    beams=st.integers(1, 2),
    least=st.integers(0, 3),
    forced_eos=st.booleans(),
    texts=st.lists(
        st.tuples(
            st.integers(0, 6), st.integers(1, 5), st.lists(st.sampled_from([A, B, C]), max_size=2)
        ),
        min_size=1,
        max_size=6,
    ),
    leaving=st.sets(st.integers(0, 5)),
)
def test_who_joins_or_leaves_changes_nobodys_answer(
    beams: int,
    least: int,
    forced_eos: bool,
    texts: list[tuple[int, int, list[int]]],
    leaving: set[int],
) -> None:
    """texts: the step at which each comes, its tokens at most, and what its answer begins with."""
    generation = Generation(num_beams=beams, forced_eos=forced_eos)
    sources = [Source((A, END), most, least, tuple(prefix)) for _, most, prefix in texts]
    search = Search(Table(), generation, START, [END])
    found: dict[int, list[int]] = {}
    for step in range(12):
        found |= search.add({i: sources[i] for i, (come, *_) in enumerate(texts) if come == step})
        if search.numbers:
            found |= search.step()
        if step == 2:
            search.drop(leaving)
            assert not leaving.intersection(search.numbers)
    assert not search.numbers
    for i, answer in found.items():
        alone = Search(Table(), generation, START, [END]).run([sources[i]])
        assert [answer] == alone
    # Who came after the third step was there for nobody to drop.
    assert {i for i in range(len(texts)) if i not in found} <= leaving

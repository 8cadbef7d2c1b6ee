"""An answer is cut alike in whatever parts it comes, also one that was cut off by its limit."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.gateway.cutter import Cutter
from graph.text.splitting import Piece, Splitter
from graph.turn.answers import Finish, whole_sentences
from tests.graph.text.test_splitting import TEXTS, merged

ENGLISH = Splitter("en")
SENTENCES = st.lists(
    st.sampled_from(
        [
            *(
                "It is so. ",
                "Dr. Smith went. ",
                "“Is it? Yes.” ",
                "No! ",
                "and then ",
                "one (two. ",
            ),
            *(
                "three) four. ",
                "\n",
                "\n\n- ",
                "1. ",
                "`a. b` ",
                "```\n",
                "| a. b | c |\n",
                "。",
                "Yes",
            ),
        ]
    ),
    max_size=20,
).map("".join)


@pytest.mark.parametrize("finish", Finish)
@given(text=TEXTS | SENTENCES, sizes=st.lists(st.integers(1, 12), min_size=1))
def test_the_pieces_are_those_of_what_stays(finish: Finish, text: str, sizes: list[int]) -> None:
    cutter = Cutter(ENGLISH)
    found: list[Piece] = []
    rest = text
    for size in itertools.cycle(sizes):
        if not rest:
            break
        found += cutter.feed(rest[:size])
        rest = rest[size:]
    found += cutter.end(finish)
    stays = text if finish is Finish.STOP else whole_sentences(text)
    assert cutter.english == stays
    assert merged(found) == merged(ENGLISH.split(stays))


def test_a_sentence_goes_out_with_the_first_word_of_the_next() -> None:
    cutter = Cutter(ENGLISH)
    assert cutter.feed("It is so. Then") == []
    assert cutter.feed(" ") == [Piece("It is so.", True)]


def test_half_a_sentence_goes_out_only_where_the_answer_ends_with_it() -> None:
    for finish, last in ((Finish.STOP, ["Then it"]), (Finish.LENGTH, [])):
        cutter = Cutter(ENGLISH)
        pieces = [*cutter.feed("It is so. Then it"), *cutter.end(finish)]
        assert [piece.text for piece in pieces if piece.translate] == ["It is so.", *last]

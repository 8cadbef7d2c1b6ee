"""A model's text, whole and in parts: what went out of it is what it is in the end."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.turn.answers import Finish, GrowingAnswer, WholeSentences, readable, whole_sentences
from graph.turn.limits import INNER_LIMITS

TEXTS = st.lists(
    st.sampled_from(
        [
            *("Yes", "No", "3", "12", ".", "!", "...", '"', ")", " ", "\n", "\r\n", "  ", "\t"),
            *(
                "1. ",
                "\n2.",
                "e.g.",
                "\x00",
                "\x07",
                "。",
                "？",
                "😀",
                "é",
                "```",
                "\u2028",
                "\x85",
            ),
        ]
    )
).map("".join)
SIZES = st.lists(st.integers(1, 9), min_size=1)
SMALL = replace(INNER_LIMITS, answer=30, sentences=4)


def in_parts(text: str, sizes: Sequence[int]) -> Iterator[str]:
    for size in itertools.cycle(sizes):
        if not text:
            return
        yield text[:size]
        text = text[size:]


@given(st.text() | TEXTS, SIZES)
def test_a_text_in_parts_is_as_readable_as_the_whole(text: str, sizes: list[int]) -> None:
    growing = GrowingAnswer()
    assert "".join(map(growing.feed, in_parts(text, sizes))) == readable(text) == growing.text
    assert not growing.is_full


@given(TEXTS, SIZES)
def test_a_text_in_parts_ends_at_the_same_limits(text: str, sizes: list[int]) -> None:
    growing = GrowingAnswer(SMALL)
    came = "".join(map(growing.feed, in_parts(text, sizes)))
    assert (whole_sentences(came) if growing.is_full else came) == readable(text, SMALL)


@pytest.mark.parametrize("finish", Finish)
@given(text=st.text() | TEXTS, sizes=SIZES)
def test_whole_sentences_of_a_text_in_parts_are_those_of_the_whole(
    finish: Finish, text: str, sizes: list[int]
) -> None:
    sentences = WholeSentences()
    came = "".join(map(sentences.feed, in_parts(text, sizes))) + sentences.end(finish)
    assert came == (text if finish is Finish.STOP else whole_sentences(text))


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("I am. You a", "I am."),
        ("It is so!\nAnd th", "It is so!"),
        ("Here is a list:\n1. Apples\n2. Pea", "Here is a list:\n1. Apples"),
        ("Here:\n\n```\nx = 1\ny =", "Here:\n\n```\nx = 1"),
        ("In 2019. Then", "In 2019."),
        ("no end at all", "no end at all"),
        ('He said "Go." and', 'He said "Go."'),
    ],
)
def test_half_a_sentence_at_the_end_is_left_out(text: str, kept: str) -> None:
    assert whole_sentences(text) == kept


def test_a_sentence_goes_out_when_something_follows_it() -> None:
    sentences = WholeSentences()
    assert [sentences.feed(part) for part in ("I am.", " You", " are\n", "```")] == [
        *("", "I am.", " You are", "")
    ]

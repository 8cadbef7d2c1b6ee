"""Every pattern that reads a user's text takes time in proportion to its length.

`re` counts no steps, so the processor time of this thread is compared with itself: for a text 16
times as long, a linear pattern takes 16 times as long and a quadratic one 256 times. The bound lies
far from both.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from graph.text import protected, sentences, splitting
from graph.turn.answers import whole_sentences
from graph.turn.checks import CONTROL, count_sentences
from predictors.detector import message
from predictors.translator import prompting, quality

SHORT, TIMES, BOUND = 1_000, 16, 80.0

READERS: dict[str, Callable[[str], object]] = {
    "protected places": protected.find_spans,
    "repeated text": quality.repeats,
    "space before a mark": lambda t: prompting._SPACED_MARK.sub("", t),
    "links of a message": lambda t: message._LINK.sub("", t),
    "code of a message": lambda t: message._FENCED.sub("", t),
    "quotations of a message": lambda t: message._QUOTED.sub("", t),
    "the ends of lines": splitting._BREAK.findall,
    "the beginning of a line": splitting._LINE_START.match,
    "the row of a table": lambda t: list(splitting._cells_of(t)),
    "marks that may end a sentence": sentences._MARK.findall,
    "what is open": sentences.is_open,
    "the beginning of prose": protected.is_prose,
    "sentences": count_sentences,
    "whole sentences": whole_sentences,
    "control characters": CONTROL.search,
}

# What a pattern may begin with, again and again, and never come to the end of.
UNITS = (
    *("`", "` ", "`` `", "<", "<a ", "<a x", "{", "{{", "{{a", "${a", "(", "f(", "f(()", "a.", "."),
    *("a@", "a@b.", "a-", "/", "/a", "http://", "a+", "a:", "www.", "http://a)", "%(", "%(a", "$a"),
    *("#a", "\\", " ", " x", "ab ", "ab, ", "ab" + " " * 40, "=", "a=", ":", ";", '"', "“", "„"),
    *(
        "«",
        "```",
        "``` ",
        "- ",
        "> ",
        "1. ",
        "!",
        " !",
        '."',
        ".)",
        "ab",
        "x",
        "1",
        "你",
        "。",
        "_",
    ),
    *("a_", "\n", "\n ", "\u2028", ">>", "é", "\u0301", "\u202e", "\t", "a,b "),
)


def growing_ticks(length: int) -> str:
    runs: list[str] = []
    while sum(map(len, runs)) < length:
        runs.append("`" * (len(runs) + 1) + " ")
    return "".join(runs)


def repeated(unit: str) -> Callable[[int], str]:
    return lambda length: unit * (length // len(unit))


TEXTS: dict[str, Callable[[int], str]] = {
    **{repr(unit): repeated(unit) for unit in UNITS},
    "growing runs of ticks": growing_ticks,
    "a link that closes what it has not opened": lambda n: "http://a" + ")" * n,
    "a link that opens and closes": lambda n: "http://a" + "(" * (n // 2) + ")" * (n // 2),
    "an address without an end": lambda n: "a@" + "a-" * (n // 2),
    "spaces with an end": lambda n: " " * n + "x",
    "a tag without an end": lambda n: "<a " + "x" * n,
    "a mark with many quotes": lambda n: "." + '"' * n,
}


def seconds(read: Callable[[str], object], given: str) -> float:
    started = time.thread_time()
    read(given)
    return time.thread_time() - started


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("kind", TEXTS)
def test_a_text_16_times_as_long_takes_nowhere_near_256_times_as_long(
    reader: str, kind: str
) -> None:
    read, make = READERS[reader], TEXTS[kind]
    short, long = make(SHORT), make(TIMES * SHORT)
    least = 1e-4 + min(seconds(read, short) for _ in range(3))
    assert any(seconds(read, long) < BOUND * least for _ in range(3))


def test_a_line_is_told_from_code_in_bounded_time_as_only_short_lines_can_be_code() -> None:
    assert not protected.is_code("x = 5;" + " " * 300)
    assert protected.is_code("x = 5;" + " " * 290)
    assert protected.is_code(" " * 290 + "x = 5;")

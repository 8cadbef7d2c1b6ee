"""Where the sentences of one line end, decided alike for a whole line and for one that still grows.

`sentencesplit` knows the rules of each language, but what it says of a text may change with the
next word. So it is asked at places that the text alone determines: after each mark that may end a
sentence, with the word that follows, and only where no quote, bracket or code is open. However a
line comes in parts, the answers are those for the whole of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

import sentencesplit

from graph.text.protected import Span, find_spans

# A sentence longer than this is cut at a comma or a space: no small model keeps its thread longer,
# and the prompt must fit the model's context with room for the answer. The library takes quadratic
# time on odd texts, so it is never given more at a time either.
MAX_CHARACTERS = 400
# Characters of the next word that the library sees at most; some scripts have no spaces.
_LOOKAHEAD = 24
# After a question that had no answer, the next one is about so many times as much: a text of many
# abbreviations takes logarithmically many.
_GROWTH = 1.3

# A mark, what closes with it, and the space after it, up to where the next sentence would begin.
_MARK = re.compile(
    r"""[.!?…;؟۔।։။።][^\s\w]{0,4}\s++(?=\S) | [。！？｡]["'»”’）」』】]{0,2}\s*+(?=\S)""",
    re.VERBOSE,
)
_SPACE = re.compile(r"\s")
_TAG = re.compile(r"</?[A-Za-z][^<>]*(?=>|<|$)")
_TICKS = re.compile(r"`+")
_BRACKETS = ("()", "[]", "{}")
# The two of a pair may stand in either order: »German« and «French» quotes.
_QUOTES = ('"', "“”„", "«»")
_CUTS = (re.compile(r"[;:,，、；：]\s+"), _SPACE)


def segmenter_of(language: str) -> sentencesplit.Segmenter:
    """The library's rules of one language (ISO 639-1); English ones where it does not know it."""
    known = language in sentencesplit.list_languages()
    return sentencesplit.Segmenter(language=language if known else "en")


class SentenceEnds:
    """Finds them for one text. The library takes its time, so it is asked nothing twice."""

    def __init__(self, segmenter: sentencesplit.Segmenter) -> None:
        self._segmenter = segmenter
        self._answers: dict[str, tuple[int, ...]] = {}

    def forget(self) -> None:
        """Nothing more is asked about the line at hand."""
        self._answers.clear()

    def find(self, line: str, start: int, complete: bool) -> Iterator[int]:
        """The ends from `start` on, each behind the space that follows it.

        complete: whether the line has ended; its own end is then the last one. Else only those ends
        come that no further text can change.
        """
        while start < len(line):
            end = self._next(line, start, complete)
            if end is None:
                return
            yield end
            start = end

    def _next(self, line: str, start: int, complete: bool) -> int | None:
        """The first end after `start`; None while it is not certain."""
        reach = start + MAX_CHARACTERS
        asked = 0.0
        is_left_out = False
        for mark in _MARK.finditer(line, start):
            end = _end_of_word(line, mark.end())
            if end is None and not complete:
                return None
            end = len(line) if end is None else end
            if end > reach:
                break
            if end - start < asked * _GROWTH or is_open(line[start:end]):
                is_left_out = True
                continue
            asked = end - start
            found = [e for e in self._inside(line, start, end) if e <= mark.end()]
            if found:
                return found[0]
        if len(line) > reach:
            return self._forced(line, start, reach, complete)
        if not complete:
            return None
        # No sentence ends without a mark, and all marks were asked about but those left out.
        ends = self._inside(line, start, len(line)) if is_left_out else []
        return next(iter(ends), len(line))

    def _forced(self, line: str, start: int, reach: int, complete: bool) -> int | None:
        """The end of a sentence that is too long: the library's, else a comma, else a space."""
        space = _SPACE.search(line, reach)
        if space is None and not complete:
            return None  # It may be within a long address.
        spans = _spans(line, start, space.start() if space else len(line))
        found = _outside((start + end for end in self._ends(line[start:reach])), spans)
        # The last end is the window's own, not a sentence's.
        return next((e for e in found if e < reach), None) or _cut(line, start, reach, spans)

    def _inside(self, line: str, start: int, end: int) -> list[int]:
        """Where the library ends sentences within a part, but for the part's own end."""
        ends = [start + e for e in self._ends(line[start:end])]
        return _outside((e for e in ends if e < end), _spans(line, start, end)) if ends else []

    def _ends(self, text: str) -> tuple[int, ...]:
        """Where the library ends a sentence."""
        found = self._answers.get(text)
        if found is None:
            found = tuple(span.end for span in self._segmenter.segment_spans(text))
            self._answers[text] = found
        return found


def is_open(text: str) -> bool:
    """Whether something that belongs together has begun in a text and not ended in it."""
    if any(text.count(pair[0]) > text.count(pair[1]) for pair in _BRACKETS):
        return True
    if any(sum(map(text.count, signs)) % 2 for signs in _QUOTES):
        return True
    if any(text[tag.end() : tag.end() + 1] != ">" for tag in _TAG.finditer(text)):
        return True
    runs: set[str] = set()
    for run in _TICKS.findall(text):
        runs ^= {run}
    return bool(runs)


def _end_of_word(line: str, start: int) -> int | None:
    """Where the word at `start` ends, or is long enough; None where more of it may come."""
    space = _SPACE.search(line, start, start + _LOOKAHEAD)
    if space:
        return space.start()
    return start + _LOOKAHEAD if len(line) >= start + _LOOKAHEAD else None


def _spans(line: str, start: int, end: int) -> list[Span]:
    return [Span(start + s.start, start + s.end) for s in find_spans(line[start:end])]


def _outside(ends: Iterable[int], spans: Sequence[Span]) -> list[int]:
    return [end for end in ends if not any(span.start < end < span.end for span in spans)]


def _cut(line: str, start: int, reach: int, spans: Sequence[Span]) -> int:
    """Where a sentence that is too long is cut: after a comma, else a space, else anywhere."""
    for mark in _CUTS:
        found = mark.finditer(line, start + MAX_CHARACTERS // 3, reach)
        ends = _outside([match.end() for match in found], spans)
        if ends:
            return ends[-1]
    for span in spans:
        if span.start < reach < span.end:
            return span.start if span.start > start else span.end
    return reach

"""Splits a text into what is translated and what is kept, and joins it again.

Line breaks, spaces, list marks, code and everything without a letter are kept as they are. What is
left is split into sentences by `sentencesplit`, so that a small model sees one sentence at a time.
`"".join(piece.text for piece in splitter.split(text)) == text` holds for every text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import sentencesplit

from predictors.translator.protected import Span, find_spans, is_code

# A sentence longer than this is cut at a comma or a space: no small model keeps its thread longer,
# and the prompt must fit the model's context with room for the answer. The library takes quadratic
# time on odd texts, so it is never given more at a time either.
MAX_CHARACTERS = 400

_FENCE = re.compile(r"^[ ]{0,3}(`{3,}|~{3,})")
_BREAKS = r"\r\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029"  # where str.splitlines breaks
_LINE = re.compile(f"[^{_BREAKS}]+|[{_BREAKS}]+")
# Quote, heading, bullet, number: what stands before a line's own words.
_LINE_START = re.compile(r"\s*(?:(?:>|\#{1,6}|[-*+•–—]|\(?\d{1,3}[.)])\s+)*")
_MARKS = (re.compile(r"[;:,，、；：]\s+"), re.compile(r"\s+"))


@dataclass(frozen=True)
class Piece:
    """A part of a text; `translate` says whether it holds words of a language."""

    text: str
    translate: bool


class Splitter:
    """Splits texts of one language (ISO 639-1; one that the library does not know as English)."""

    def __init__(self, language: str) -> None:
        known = language in sentencesplit.list_languages()
        self._segmenter = sentencesplit.Segmenter(language=language if known else "en")

    def split(self, text: str) -> list[Piece]:
        """The pieces of a text, none empty. One to translate has no line break in it."""
        return [piece for piece in self._pieces(text) if piece.text]

    def _pieces(self, text: str) -> Iterator[Piece]:
        fence = ""
        for line in _LINE.findall(text):
            mark = _FENCE.match(line)
            if fence:
                yield Piece(line, False)
                if mark and mark[1].startswith(fence) and line.strip() == mark[1]:
                    fence = ""
            elif mark:
                fence = mark[1]
                yield Piece(line, False)
            elif not has_letters(line) or is_code(line):
                yield Piece(line, False)
            else:
                yield from self._line_pieces(line)

    def _line_pieces(self, line: str) -> Iterator[Piece]:
        start = _LINE_START.match(line)
        indent = start.end() if start else 0
        yield Piece(line[:indent], False)
        for sentence in self._sentences(line[indent:]):
            before, words, after = trim(sentence)
            yield Piece(before, False)
            yield Piece(words, has_letters(words))
            yield Piece(after, False)

    def _sentences(self, line: str) -> Iterator[str]:
        """Sentences, each with the space after it. No protected place is torn apart."""
        spans = find_spans(line)
        start = 0
        while len(line) - start > MAX_CHARACTERS:
            window = line[start : start + MAX_CHARACTERS]
            # The last end is the window's own, not a sentence's.
            ends = [start + end for end in self._boundaries(window) if end < len(window)]
            ends = _outside(ends, spans) or [_forced_end(line, start, spans)]
            yield from (line[a:b] for a, b in pairwise([start, *ends]))
            start = ends[-1]
        ends = _outside([start + end for end in self._boundaries(line[start:])], spans)
        yield from (line[a:b] for a, b in pairwise([start, *ends, len(line)]))

    def _boundaries(self, text: str) -> Iterator[int]:
        """Where the library ends a sentence.

        It drops a character of some odd texts, so its sentences are looked up in the text; from the
        first that is not found there on, the text stays whole.
        """
        position = 0
        for sentence in map(str, self._segmenter.segment(text)):
            if not text.startswith(sentence, position):
                return
            position += len(sentence)
            yield position


def has_letters(text: str) -> bool:
    """Whether anything is left to translate once code, addresses and the like are taken out."""
    last = 0
    for span in find_spans(text):
        if any(map(str.isalpha, text[last : span.start])):
            return True
        last = span.end
    return any(map(str.isalpha, text[last:]))


def trim(text: str) -> tuple[str, str, str]:
    """What stands before a sentence's own characters (spaces, emoji), the sentence, what follows.

    The three parts joined are the text.
    """
    start, end = 0, len(text)
    while start < end and not _is_sentence_part(text[start]):
        start += 1
    while end > start and not _is_sentence_part(text[end - 1]):
        end -= 1
    return text[:start], text[start:end], text[end:]


def _outside(ends: Iterable[int], spans: Sequence[Span]) -> list[int]:
    return [end for end in ends if not any(span.start < end < span.end for span in spans)]


def _forced_end(line: str, start: int, spans: Sequence[Span]) -> int:
    """Where a sentence that is too long is cut: after a comma, else a space, else anywhere."""
    reach = start + MAX_CHARACTERS
    for mark in _MARKS:
        found = mark.finditer(line, start + MAX_CHARACTERS // 3, reach)
        ends = _outside([match.end() for match in found], spans)
        if ends:
            return ends[-1]
    for span in spans:
        if span.start < reach < span.end:
            return span.start if span.start > start else span.end
    return reach


def _is_sentence_part(char: str) -> bool:
    """Letters with their marks, digits, punctuation, currency and mathematical signs."""
    category = unicodedata.category(char)
    return category[0] in "LNMP" or category in ("Sc", "Sm")

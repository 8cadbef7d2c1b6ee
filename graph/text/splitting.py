"""Splits a text into what is translated and what is kept, whole or while it is being written.

Line breaks, spaces, list marks, the bars of tables, code and everything without a letter are kept
as they are. What is left is split into sentences, so that a small model sees one sentence at a
time, and so that each is translated while the next one is still being written. It holds that

- the pieces joined are the text;
- the pieces do not depend on the parts in which a text comes;
- a piece to translate, split by itself, is that one piece: a translator that is given a text, and
  one that is given its pieces one by one, translate the same.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from graph.text.protected import find_spans, is_code, is_prose
from graph.text.sentences import SentenceEnds, segmenter_of

_FENCE = re.compile(r"[ ]{0,3}(`{3,}|~{3,})")
# What may become a fence with the next character.
_MAYBE_FENCE = re.compile(r"[ ]{0,3}(?:`{0,2}|~{0,2})")
_BREAKS = r"\r\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029"  # where str.splitlines breaks
_BREAK = re.compile(f"[{_BREAKS}]+")
# Quote, heading, bullet, number: what stands before a line's own words.
_LINE_START = re.compile(r"\s*(?:(?:>|\#{1,6}|[-*+•–—]|\(?\d{1,3}[.)])\s+)*")
_LONGEST_MARK = 6
# A line that is longer is no code, see `is_code`.
_LONGEST_UNDECIDED = 300


@dataclass(frozen=True)
class Piece:
    """A part of a text; `translate` says whether it holds words of a language."""

    text: str
    translate: bool


class Splitter:
    """Splits texts of one language (ISO 639-1; one that the library does not know as English)."""

    def __init__(self, language: str) -> None:
        self._segmenter = segmenter_of(language)

    def split(self, text: str) -> list[Piece]:
        """The pieces of a text, none empty. One to translate has no line break in it."""
        splitting = self.begin()
        return [*splitting.feed(text), *splitting.end()]

    def begin(self) -> Splitting:
        """For a text that comes in parts."""
        return Splitting(SentenceEnds(self._segmenter))


class Splitting:
    """One text, as far as it has come."""

    def __init__(self, ends: SentenceEnds) -> None:
        self._ends = ends
        self._rest = ""
        # The mark that opened a block of code, and whether the line at hand is known to be prose
        # whose beginning is out already.
        self._fence = ""
        self._in_prose = False
        # Whether the space between two sentences of a line is still to come.
        self._before_space = False

    def feed(self, text: str) -> list[Piece]:
        """The pieces that are certain with this part."""
        self._rest += text
        return [piece for piece in self._pieces(complete=False) if piece.text]

    def feed_before(self, following: str) -> list[Piece]:
        """What of the text so far is certain if this follows, and also if nothing does.

        following: space, and the next word with the space after it or its first characters.
        """
        return [piece for piece in self._before(following) if piece.text]

    def end(self) -> list[Piece]:
        """The pieces of what is left."""
        return [piece for piece in self._pieces(complete=True) if piece.text]

    def _pieces(self, complete: bool) -> Iterator[Piece]:
        rest, self._rest = self._rest, ""
        if self._before_space:
            words = rest.lstrip()
            self._before_space = not words
            space = rest[: len(rest) - len(words)]
            # The space may hold the end of the line.
            rest = rest if _BREAK.search(space) else words
            yield Piece("" if rest is not words else space, False)
        start = 0
        for found in _BREAK.finditer(rest):
            yield from self._ended(rest[start : found.start()])
            yield Piece(found[0], False)
            start = found.end()
        if complete:
            yield from self._ended(rest[start:])
        else:
            yield from self._growing(rest[start:])

    def _before(self, following: str) -> Iterator[Piece]:
        space = following[: len(following) - len(following.lstrip())]
        if _BREAK.search(space):
            rest, self._rest = self._rest, ""
            yield from self._ended(rest)
            return
        start = 0 if self._in_prose else _indent(self._rest)
        known = self._in_prose or (
            not self._fence and _is_begun(self._rest) and is_prose(self._rest[start:])
        )
        ends = self._ends.find(self._rest + following, start, complete=False)
        if not known or list(ends) != [len(self._rest) + len(space)]:
            return
        rest, self._rest = self._rest, ""
        self._in_prose = self._before_space = True
        yield Piece(rest[:start], False)
        yield from self._sentence(rest[start:])

    def _ended(self, line: str) -> Iterator[Piece]:
        """What is left of a line that has ended; the spaces at its end are no part of it."""
        bare = line.rstrip()
        yield from self._line(bare)
        yield Piece(line[len(bare) :], False)
        self._in_prose = self._before_space = False
        self._ends.forget()

    def _line(self, line: str) -> Iterator[Piece]:
        mark = _FENCE.match(line)
        if self._in_prose:
            for first, last in pairwise([0, *self._ends.find(line, 0, complete=True)]):
                yield from self._sentence(line[first:last])
        elif self._fence:
            yield Piece(line, False)
            if mark and mark[1].startswith(self._fence) and line.strip() == mark[1]:
                self._fence = ""
        elif mark:
            self._fence = mark[1]
            yield Piece(line, False)
        else:
            yield from self._unfenced(line)

    def _unfenced(self, line: str) -> Iterator[Piece]:
        if _is_row(line):
            yield from self._cells(line)
        elif self._is_prose(line) or (has_letters(line) and not is_code(line)):
            yield from self._sentences(line, _indent(line))
        else:
            yield Piece(line, False)

    def _growing(self, line: str) -> Iterator[Piece]:
        """What is certain of a line that goes on; the rest of it is kept."""
        start = 0
        if not self._in_prose:
            if self._fence or not _is_begun(line) or not self._is_prose(line):
                self._rest = line
                return
            self._in_prose = True
            start = _indent(line)
            yield Piece(line[:start], False)
        for end in self._ends.find(line, start, complete=False):
            yield from self._sentence(line[start:end])
            start = end
        self._rest = line[start:]

    def _is_prose(self, line: str) -> bool:
        """Whether a line is known to be no code, whatever may still follow in it."""
        if len(line) > _LONGEST_UNDECIDED:
            return True
        start = _indent(line)
        ends = self._ends.find(line, start, complete=False)
        return any(is_prose(line[start:end]) for end in ends)

    def _sentences(self, line: str, start: int) -> Iterator[Piece]:
        yield Piece(line[:start], False)
        ends = self._ends.find(line, start, complete=True)
        for first, last in pairwise([start, *ends]):
            if last - first == len(line):
                yield from self._one_sentence(line)
            else:
                yield from self._sentence(line[first:last])

    def _sentence(self, sentence: str) -> Iterator[Piece]:
        """A part of a line, split as it is split by itself, whatever space is around it."""
        words = sentence.lstrip()
        yield Piece(sentence[: len(sentence) - len(words)], False)
        bare = words.rstrip()
        yield from [Piece(bare, False)] if _FENCE.match(bare) else self._unfenced(bare)
        yield Piece(words[len(bare) :], False)

    def _one_sentence(self, line: str) -> Iterator[Piece]:
        """A line that is one sentence: its own words, and what stands around them."""
        before, words, after = trim(line)
        yield Piece(before, False)
        if before or after:
            yield from self._sentence(words)
        else:
            yield Piece(words, has_letters(words))
        yield Piece(after, False)

    def _cells(self, row: str) -> Iterator[Piece]:
        """The row of a table: its bars are kept, and its cells are texts of their own."""
        for part in _cells_of(row):
            yield from [Piece(part, False)] if part == "|" else self._sentence(part)


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


def _indent(line: str) -> int:
    start = _LINE_START.match(line)
    return start.end() if start else 0


def _is_begun(line: str) -> bool:
    """Whether it is known what a line begins with: no fence, no row of a table, which marks."""
    if _FENCE.match(line) or _MAYBE_FENCE.fullmatch(line) or line.lstrip().startswith("|"):
        return False
    words = line[_indent(line) :]
    return len(words) > _LONGEST_MARK or any(map(str.isspace, words))


def _is_row(line: str) -> bool:
    """Whether a line is the row of a table."""
    bare = line.strip()
    return len(bare) > 1 and bare.startswith("|") and bare.endswith("|")


def _cells_of(row: str) -> Iterator[str]:
    """The cells and bars of a row. A bar in code or in another protected place parts nothing."""
    spans = find_spans(row)
    start = 0
    for i, char in enumerate(row):
        if char == "|" and row[i - 1 : i] != "\\" and not any(s.start <= i < s.end for s in spans):
            yield row[start:i]
            yield char
            start = i + 1
    yield row[start:]


def _is_sentence_part(char: str) -> bool:
    """Letters with their marks, digits, punctuation, currency and mathematical signs, ticks."""
    category = unicodedata.category(char)
    return category[0] in "LNMP" or category in ("Sc", "Sm") or char == "`"

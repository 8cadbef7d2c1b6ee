"""How common a word is in each language, forgiving about accents, stretched letters and typos.

The frequencies are wordfreq's small lists (words used at least once in a million; subtitles, chat,
web and books). A language without a list, or written without spaces, says nothing here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from string import ascii_lowercase

import wordfreq

# Shares of a word's use that is taken to be written without its accents, or wrongly.
UNACCENTED = 0.3
STRETCHED = 0.1
MISTYPED = 0.03
_MISTYPED_LENGTHS = range(4, 21)

# Languages that wordfreq lists under another code.
_LISTED_AS = {"bs": "sh", "hr": "sh", "sr": "sh", "nn": "nb", "tl": "fil"}
# Their lists hold morphemes that only a segmenter finds.
_UNSPACED = frozenset({"ja", "ko", "zh"})
_TRANSCRIBED = {"de": str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})}
_LIGATURES = str.maketrans({"œ": "oe", "æ": "ae"})
_STRETCH = re.compile(r"(.)\1{2,}")
_DOUBLE = re.compile(r"(.)\1+")


class Lexicon:
    """Word frequencies of some languages; loads their lists at once, about 20 ms each."""

    def __init__(self, languages: Iterable[str]) -> None:
        lists = {language: _list_of(language) for language in languages}
        self._frequencies = {
            language: _read_frequencies(language, name) for language, name in lists.items() if name
        }

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that have a list."""
        return tuple(self._frequencies)

    def look_up(self, word: str) -> dict[str, float]:
        """The word's frequency (0..1) in each language where it is known; empty if in none."""
        found = self._look_up(word)
        if found:
            return found
        for spelling in _unstretched(word):
            found = self._look_up(spelling)
            if found:
                return {language: STRETCHED * p for language, p in found.items()}
        return {}

    def look_up_near(self, word: str) -> dict[str, float]:
        """The same for words that are one slip of the finger away from this one, summed."""
        if len(word) not in _MISTYPED_LENGTHS:
            return {}
        near = set(_misspellings(word))
        sums = {
            language: MISTYPED * sum(frequencies.get(spelling, 0.0) for spelling in near)
            for language, frequencies in self._frequencies.items()
        }
        return {language: p for language, p in sums.items() if p}

    def _look_up(self, word: str) -> dict[str, float]:
        return {
            language: frequencies[word]
            for language, frequencies in self._frequencies.items()
            if word in frequencies
        }


def _list_of(language: str) -> str | None:
    name = _LISTED_AS.get(language, language)
    listed = name in wordfreq.available_languages("small") and name not in _UNSPACED
    return name if listed else None


def _read_frequencies(language: str, name: str) -> dict[str, float]:
    accented: Mapping[str, float] = wordfreq.get_frequency_dict(name, "small")
    frequencies = dict(accented)
    for word, frequency in accented.items():
        if not word.isascii():
            for spelling in _unaccented(word, language):
                frequencies[spelling] = frequencies.get(spelling, 0.0) + UNACCENTED * frequency
    return frequencies


def _unaccented(word: str, language: str) -> set[str]:
    """The ways a word is written by somebody whose keyboard lacks its accents."""
    apart = unicodedata.normalize("NFD", word.translate(_LIGATURES))
    bare = "".join(char for char in apart if not unicodedata.combining(char))
    return {bare, word.translate(_TRANSCRIBED.get(language, {}))} - {word}


def _unstretched(word: str) -> list[str]:
    """`sooo` as `soo` and `so`, `mercii` as `merci`; nothing for a word without a stretch."""
    spellings = (
        _STRETCH.sub(r"\1\1", word),
        _STRETCH.sub(r"\1", word),
        _DOUBLE.sub(r"\1", word),
    )
    return [spelling for spelling in spellings if spelling != word]


def _misspellings(word: str) -> Iterator[str]:
    """Every text one deletion, swap, replacement or insertion away (norvig.com/spell-correct)."""
    for i in range(len(word) + 1):
        head, tail = word[:i], word[i:]
        for letter in ascii_lowercase:
            yield head + letter + tail
            if tail:
                yield head + letter + tail[1:]
        if tail:
            yield head + tail[1:]
        if len(tail) > 1:
            yield head + tail[1] + tail[0] + tail[2:]

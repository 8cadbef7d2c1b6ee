"""Sees that a translation is not in the language that it should be in, wholly or in a part of it.

lingua decides, in its accurate mode, between the languages of the translator alone. It never judges
a short text, a name, a number, or a language that it does not know. Its figures, and what its
models cost in memory, are in README.md beside this file.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise

from lingua import Language, LanguageDetector, LanguageDetectorBuilder


@dataclass(frozen=True)
class Measure:
    """How words are judged.

    letters: fewer are not judged.  times: they are in another language if that is so many times as
    likely as the right one.
    """

    letters: int
    times: float


# Of a whole text, and of words that it has taken over from its source: a translation has few.
WHOLE = Measure(letters=12, times=9.0)
COPIED = Measure(letters=8, times=2.5)
_FEWEST_COPIED = 2

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")


class LanguageCheck:
    """Built for the languages of a translator, by ISO 639 codes; knows nothing before `load`."""

    def __init__(self, languages: Collection[str]) -> None:
        known = {code: language for language in Language.all() for code in _codes(language)}
        self._languages = {code: known[code] for code in languages if code in known}
        self._detector: LanguageDetector | None = None

    def load(self) -> None:
        """Blocks for about half a second, the first time; lingua needs two languages to choose."""
        if self._detector is None and len(set(self._languages.values())) > 1:
            builder = LanguageDetectorBuilder.from_languages(*self._languages.values())
            self._detector = builder.with_preloaded_language_models().build()

    def is_foreign(self, source: str, text: str, language: str) -> bool:
        """Whether a translation of `source` is in another language than it should be.

        Words of the source that the translation has kept are judged by themselves as well: few of
        them do not make the rest foreign.
        """
        names = {word for word in _WORD.findall(source) if word[0].isupper()}
        words = [word for word in _WORD.findall(text) if word not in names]
        return self._is_other(words, language, WHOLE) or any(
            self._is_other(copied, language, COPIED) for copied in _copies(source, words)
        )

    def _is_other(self, words: Sequence[str], language: str, measure: Measure) -> bool:
        right = self._languages.get(language)
        if self._detector is None or right is None or sum(map(len, words)) < measure.letters:
            return False
        values = self._detector.compute_language_confidence_values(" ".join(words))
        likely = {value.language: value.value for value in values}
        return max(likely.values()) > measure.times * likely[right]


def _codes(language: Language) -> tuple[str, str]:
    return language.iso_code_639_1.name.lower(), language.iso_code_639_3.name.lower()


def _copies(source: str, words: Sequence[str]) -> list[list[str]]:
    """The longest runs of at least two words that stand in the source one after another too."""
    said = [word.casefold() for word in _WORD.findall(source)]
    neighbours = set(pairwise(said))
    runs: list[list[str]] = [[]]
    for word in words:
        run = runs[-1]
        if run and (run[-1].casefold(), word.casefold()) in neighbours:
            run.append(word)
        else:
            runs.append([word])
    return [run for run in runs if len(run) >= _FEWEST_COPIED]

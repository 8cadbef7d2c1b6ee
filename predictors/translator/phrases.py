"""Phrases that are translated as the examples say: greetings, thanks and other set expressions.

A small model translates "Good night!" as "Bonsoir !", however many examples it sees. A text that is
one of the examples, but for case, spaces and the mark at its end, is therefore not given to the
model at all.
"""

from __future__ import annotations

from collections.abc import Iterable

from predictors.translator.examples import Example

_MARKS = ".!…"
_APOSTROPHES = str.maketrans("’", "'")


class PhraseBook:
    """The translations of whole texts; of two for the same text, the first."""

    def __init__(self, examples: Iterable[Example]) -> None:
        self._translations: dict[str, str] = {}
        for example in examples:
            self._translations.setdefault(_key(example.source), example.target)

    def translate(self, text: str) -> str | None:
        """The translation, without a mark at its end where the text has none; None if unknown."""
        translation = self._translations.get(_key(text))
        if translation is None or text.rstrip()[-1:] in (*_MARKS, "?"):
            return translation
        return _without_mark(translation)


def _key(text: str) -> str:
    return _without_mark(" ".join(text.translate(_APOSTROPHES).casefold().split())).lstrip("¡")


def _without_mark(text: str) -> str:
    return text.rstrip(_MARKS + " ").removeprefix("¡")

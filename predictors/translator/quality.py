"""Doubts about a model's translations, and the second try that each doubtful one gets.

A model may run on, repeat itself, say nothing, give the source back, or write another language than
it should. Every strategy asks through `ask_twice`, so that what is doubtful is decided here alone.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from unicodedata import east_asian_width

from graph.asgi import aside
from predictors.translator.language import LanguageCheck

# So many characters take the judge about a millisecond.
_SHORT = 250
LONGEST_RATIO = 3.0
# A short text is one of up to so many characters. Its translation says no more sentences than it
# does, and is longer than twice its length by so many characters at most.
SHORT_TEXT = 60
SHORT_RATIO = 2.0
SHORT_ALLOWANCE = 12
# A Chinese character or a Korean syllable says as much as so many letters.
WIDE_LETTER = 3

_REPEATED = re.compile(r"(.{2,80}?)\1{3,}", re.DOTALL)
# From the beginning of a word, and without going back into one: else a text without a space would
# take the square of its length.
_REPEATED_WORDS = re.compile(r"(?<!\S)((?:\S++\s++){4,12}?)\1")

Ask = Callable[[Sequence[str]], Awaitable[list[str]]]


@dataclass(frozen=True)
class Translated:
    """What came of a text. poor: neither of two tries is sound; the text is empty if both were."""

    text: str
    poor: bool = False


class Judge:
    """Judges translations into one language. check: None leaves languages unjudged."""

    def __init__(self, target: str, check: LanguageCheck | None = None) -> None:
        self._target = target
        self._check = check

    def load(self) -> None:
        if self._check is not None:
            self._check.load()

    def is_doubtful(self, source: str, answer: str) -> bool:
        """Whether a translation should be tried in another way."""
        return is_source_again(source, answer) or self.is_poor(source, answer)

    def is_poor(self, source: str, answer: str) -> bool:
        """Whether a translation is no good, whatever another try gave.

        A source that comes back twice may be its own translation: a name, or words that are in the
        other language already.
        """
        return is_unsound(source, answer) or self._is_foreign(source, answer)

    def _is_foreign(self, source: str, answer: str) -> bool:
        return self._check is not None and self._check.is_foreign(source, answer, self._target)


async def ask_twice(
    judge: Judge, texts: Sequence[str], *, first: Ask, second: Ask
) -> list[Translated]:
    """The translations of `first`; those that are doubtful are asked for once more by `second`."""
    answers = await first(texts)
    size = sum(map(len, texts))
    doubts = await aside(size, lambda: list(map(judge.is_doubtful, texts, answers)), _SHORT)
    doubtful = [i for i, doubt in enumerate(doubts) if doubt]
    found = [Translated(answer) for answer in answers]
    if doubtful:
        retried = await second([texts[i] for i in doubtful])
        tries = [(texts[i], answers[i], each) for i, each in zip(doubtful, retried, strict=True)]
        chosen = await aside(size, lambda: [better(judge, *each) for each in tries], _SHORT)
        for i, translated in zip(doubtful, chosen, strict=True):
            found[i] = translated
    return found


def better(judge: Judge, source: str, first: str, second: str) -> Translated:
    """The second try where it is sound, else the first, cut where it begins to repeat itself."""
    for answer in (second, first):
        if not judge.is_doubtful(source, answer):
            return Translated(answer)
    for answer in (second, first):
        if not judge.is_poor(source, answer):
            return Translated(answer)
    return Translated(cut_repeats(first or second), poor=True)


def is_unsound(source: str, answer: str) -> bool:
    """Whether an answer is empty, far too long, or repeats itself."""
    return (
        not answer
        or len(answer) > longest_translation(source)
        or repeats(answer)
        and not repeats(source)
    )


def is_source_again(source: str, answer: str) -> bool:
    """Whether the source, of two words or more, comes back but for case, spaces and punctuation."""
    one, other = ("".join(filter(str.isalnum, text.casefold())) for text in (source, answer))
    return one == other and " " in source.strip()


def longest_translation(source: str) -> float:
    """Characters of a translation at most."""
    length = sum(WIDE_LETTER if east_asian_width(char) in "WF" else 1 for char in source)
    if length > SHORT_TEXT:
        return LONGEST_RATIO * length
    return SHORT_RATIO * length + SHORT_ALLOWANCE


def repeats(text: str) -> bool:
    return bool(_REPEATED.search(text) or _REPEATED_WORDS.search(text))


def cut_repeats(text: str) -> str:
    """The text up to the end of the first of the repeated parts."""
    for pattern in (_REPEATED, _REPEATED_WORDS):
        match = pattern.search(text)
        if match:
            text = text[: match.end(1)].strip()
    return text

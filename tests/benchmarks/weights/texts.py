"""The texts that are asked: random words, of which no turn makes a predictor ask a second time.

A translator asks its model again where an answer repeats itself or is in a wrong language. Random
weights say such things now and then, and what others do not do twice is not to be done twice here.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

from predictors.translator.language import LanguageCheck
from predictors.translator.quality import Judge
from tests.benchmarks.engines_alone import Engines
from tests.benchmarks.weights.architectures import Size
from tests.benchmarks.weights.searches import LENGTHS
from tests.benchmarks.weights.vocabularies import frequent_words

WANTED = 16
_AT_ONCE = 60
_CANDIDATES = 5 * _AT_ONCE


@dataclass(frozen=True)
class Asked:
    """answers: of the French texts, by search and family, in the texts' order."""

    french: list[str]
    english: list[str]
    answers: dict[tuple[str, str], list[str]]


class TooFew(Exception):
    """Nearly every answer is such as would be asked for again; one line."""


def choose_texts(size: Size, converted: dict[str, dict[str, str]]) -> Asked:
    """Raises TooFew."""
    french, english = (_candidates(language, size) for language in ("fr", "en"))
    check = LanguageCheck({"en", "fr"})
    check.load()
    to_english, from_english = Judge("en", check), Judge("fr", check)
    good: list[str] = []
    answers: dict[tuple[str, str], list[str]] = defaultdict(list)
    for begin in range(0, len(french), _AT_ONCE):
        texts = french[begin : begin + _AT_ONCE]
        turns = {search: _turns(found, texts) for search, found in converted.items()}
        for i, text in enumerate(texts):
            is_doubtful = any(
                to_english.is_doubtful(text, found["marian"][i])
                or from_english.is_doubtful(found["blenderbot"][i], found["t5"][i])
                for found in turns.values()
            )
            if is_doubtful or len(good) == WANTED:
                continue
            good.append(text)
            for search, found in turns.items():
                for family, rows in found.items():
                    answers[search, family].append(rows[i])
        if len(good) == WANTED:
            break
    if len(good) < WANTED // 2:
        raise TooFew(f"only {len(good)} of {len(french)} texts have sound answers; change the seed")
    return Asked(good, english[: len(good)], answers)


def _candidates(language: str, size: Size) -> list[str]:
    """As long as what a translator to English says."""
    dice = random.Random(3)
    known = frequent_words(language, size.words)
    # Words that both languages have would leave it open which one it is.
    other = set(frequent_words("en" if language == "fr" else "fr", size.words))
    own = [word for word in known if word not in other]
    return [" ".join(dice.sample(own, LENGTHS["marian"])) for _ in range(_CANDIDATES)]


def _turns(folders: dict[str, str], french: Sequence[str]) -> dict[str, list[str]]:
    """What each family answers, in a turn."""
    found: dict[str, list[str]] = {}
    texts = list(french)
    for family in ("marian", "blenderbot", "t5"):
        with closing(Engines({family: folders[family]})) as engines:
            texts = found[family] = engines.answer(texts)
    return found

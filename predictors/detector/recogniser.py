"""Recognises the language of one message among a few, with the conversation as a prior.

The score of a language is a log-probability, the sum of three:

- words: each drawn from the language's own frequencies, or with a small chance borrowed from any
  language, so that no single word (a name, a dish, a film) decides alone;
- letters: lingua's n-gram confidence, for words that no list knows above all;
- the conversation: the language of the last answer is likely to go on, the default a little.

It knows nothing of requests, and recognises no language that it was not built for.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lingua import IsoCode639_1, LanguageDetector, LanguageDetectorBuilder

from predictors.detector.lexicon import Lexicon
from predictors.detector.message import read_prose, split_words


@dataclass(frozen=True)
class Weights:
    """How much each piece of evidence counts, in natural logarithms; README.md has the measure.

    words: of a word's log-frequency.  known_letters, unknown_letters: of lingua's log-confidence,
    for each letter of a word that is, or is not, in a list.  max_letters: after so many letters
    (so weighted) lingua has had its say.  previous, default: added to those languages.
    """

    words: float = 1.0
    known_letters: float = 0.1
    unknown_letters: float = 0.5
    max_letters: float = 4.0
    previous: float = 2.5
    default: float = 0.5


@dataclass(frozen=True)
class Reading:
    """How the words of a message are taken.

    borrowed: chance that a word is of another language than the message.  borrowed_frequency: no
    word is borrowed more often than this, since one borrows names and things, seldom "the" or "is".
    common: above this frequency a word is simply common; "no" is as good Italian as Spanish.
    """

    borrowed: float
    borrowed_frequency: float
    common: float


SHORT = Reading(borrowed=0.02, borrowed_frequency=1.0, common=1e-3)
LONG = Reading(borrowed=0.2, borrowed_frequency=1e-5, common=1.0)
SHORT_WORDS = 2

# The frequency of a word that a list does not hold; the lists end at 1e-6.
UNKNOWN_FREQUENCY = 3e-8
# The frequency of every word in a language without a list, so that only common words of the others
# speak against it.
UNLISTED_FREQUENCY = 3e-5
# The lists are gathered from pages in other languages too: "the" is in each at about this share of
# its English frequency.
STRAY_SHARE = 0.005
LEAST_CONFIDENCE = 1e-4
SUREST = 0.999
# Longer messages have words enough; looking for typos in each would cost time for nothing.
_MISTYPED_MESSAGE_WORDS = 4


@dataclass(frozen=True)
class Guess:
    """A language and the probability, 0..1, that it is the right one among those served.

    1 means that there was nothing to guess: the user's own choice, or a single served language.
    """

    language: str
    confidence: float


class Recogniser:
    """Built for `languages` (ISO 639-1); building loads the models and blocks for about 1 s."""

    def __init__(
        self,
        languages: Sequence[str],
        default: str,
        weights: Weights | None = None,
        lexicon: Lexicon | None = None,
    ) -> None:
        self.languages = tuple(languages)
        self._default = default
        self._weights = weights or Weights()
        self._lexicon = lexicon or Lexicon(self.languages)
        listed = self._lexicon.languages
        self._all_listed = set(listed) == set(self.languages)
        # What a word's frequency is taken to be where it is not in a list.
        self._unknown = {
            language: UNKNOWN_FREQUENCY if language in listed else UNLISTED_FREQUENCY
            for language in self.languages
        }
        self._letters = _load_lingua(self.languages)

    def recognise(self, text: str, previous: str | None = None) -> Guess:
        """The language of `text`; `previous` is that of the last answer.

        Text without words (emoji, numbers, links, code) or in a script that none of the languages
        has keeps `previous`, else the default, with the confidence of a blind guess.
        """
        fallback = previous or self._default
        scores = self._score(read_prose(text)) if len(self.languages) > 1 else {}
        if not scores:
            return Guess(fallback, 1 / len(self.languages))
        scores[fallback] += self._weights.previous if previous else self._weights.default
        language = max(scores, key=scores.__getitem__)
        return Guess(language, min(_probability(scores, language), SUREST))

    def _score(self, prose: str) -> dict[str, float]:
        """Log-probability per language from words and letters; empty when neither tells."""
        words = split_words(prose)
        weights = self._weights
        reading = SHORT if len(words) <= SHORT_WORDS else LONG
        scores = dict.fromkeys(self.languages, 0.0)
        letters = 0.0
        told = False
        for word in words:
            frequencies = self._lexicon.look_up(word)
            known = frequencies and self._all_listed
            letters += len(word) * (weights.known_letters if known else weights.unknown_letters)
            if not frequencies and len(words) <= _MISTYPED_MESSAGE_WORDS:
                frequencies = self._lexicon.look_up_near(word)
            told = told or bool(frequencies)
            for language, value in self._weigh_word(frequencies, reading).items():
                scores[language] += weights.words * value
        by_letters = self._weigh_letters(prose, letters)
        for language, value in by_letters.items():
            scores[language] += value
        return scores if told or by_letters else {}

    def _weigh_word(self, frequencies: Mapping[str, float], reading: Reading) -> dict[str, float]:
        """Log-frequency per language: the language's own, or the word is borrowed."""
        stray = STRAY_SHARE * max(frequencies.values(), default=0.0)
        own = dict(self._unknown)
        for language, frequency in frequencies.items():
            own[language] += max(min(frequency, reading.common) - stray, 0.0)
        mean = min(sum(own.values()) / len(own), reading.borrowed_frequency)
        return {
            language: math.log((1 - reading.borrowed) * frequency + reading.borrowed * mean)
            for language, frequency in own.items()
        }

    def _weigh_letters(self, prose: str, letters: float) -> dict[str, float]:
        if not letters or self._letters is None:
            return {}
        weight = min(letters, self._weights.max_letters)
        found = self._letters.compute_language_confidence_values(prose)
        confidences = {v.language.iso_code_639_1.name.lower(): v.value for v in found}
        if not any(confidences.values()):
            return {}
        return {
            language: weight * math.log(max(value, LEAST_CONFIDENCE))
            for language, value in confidences.items()
        }


def _load_lingua(languages: Sequence[str]) -> LanguageDetector | None:
    """lingua for these languages in its accurate mode; it takes two languages or more."""
    if len(languages) < 2:
        return None
    codes = [IsoCode639_1.from_str(language) for language in languages]
    builder = LanguageDetectorBuilder.from_iso_codes_639_1(*codes)
    detector = builder.with_preloaded_language_models().build()
    detector.compute_language_confidence_values("warm")  # the first call compiles its patterns
    return detector


def _probability(scores: Mapping[str, float], language: str) -> float:
    return 1 / sum(math.exp(min(score - scores[language], 0.0)) for score in scores.values())

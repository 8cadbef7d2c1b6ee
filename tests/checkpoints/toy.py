"""What the checkpoints are trained on: a toy language, word for word, and toy conversations."""

from __future__ import annotations

import random

from predictors.engine import Prompt, Translation

_SYLLABLES = ("ba", "ce", "di", "fo", "gu", "ka", "le", "mi", "no", "pu", "ra", "se", "ti", "vo")
_PAIRS = [(f"{a}{b}", f"{b}{a}n") for a, b in zip(_SYLLABLES, reversed(_SYLLABLES), strict=True)]
PREFIX = "translate English to French: "
# Two sources and two targets of each model of many languages, by its own codes.
CODES = {
    "m2m100": ("en", "es", "fr", "de"),
    "mbart50": ("en_XX", "es_XX", "fr_XX", "de_DE"),
    "nllb": ("eng_Latn", "spa_Latn", "fra_Latn", "deu_Latn"),
}


def sentences(count: int, seed: int, least: int = 2, most: int = 5) -> list[tuple[str, str]]:
    """Pairs of a sentence of the toy language and its translation, `least` to `most` words."""
    dice = random.Random(seed)
    pairs = []
    for _ in range(count):
        chosen = [dice.choice(_PAIRS) for _ in range(dice.randint(least, most))]
        pairs.append((" ".join(s for s, _ in chosen) + ".", " ".join(t for _, t in chosen) + "."))
    return pairs


def translations(family: str, count: int, seed: int) -> list[tuple[Translation, str]]:
    """For a model of many languages: two sources say the same, two targets end words otherwise."""
    codes = CODES[family]
    pairs = []
    for i, (source, target) in enumerate(sentences(count, seed, most=3)):
        other = i // 2 % 2
        text = target.replace("n ", "s ").replace("n.", "s.") if other else target
        pairs.append((Translation(source, codes[i % 2], codes[2 + other]), text))
    return pairs


def conversations(count: int, seed: int) -> list[tuple[str, str]]:
    """Pairs of a message and its answer: half of it goes with the first word, half with the second.

    Answers are over 20 tokens long, for that is Blenderbot's own minimum, and repeat no three
    tokens, which its settings forbid.
    """
    dice = random.Random(2)
    seen: set[tuple[str, ...]] = set()
    halves = [{source: _half(dice, seen) for source, _ in _PAIRS} for _ in range(2)]

    def answer(message: str) -> str:
        first, second = message.rstrip(".").split()[:2]
        return " ".join([*halves[0][first], *halves[1][second]]) + "."

    return [(message, answer(message)) for message, _ in sentences(count, seed)]


def _half(dice: random.Random, seen: set[tuple[str, ...]]) -> list[str]:
    """Eleven words that share no three in a row with the halves seen before."""
    while True:
        words = dice.sample([target for _, target in _PAIRS], 11)
        threes = set(zip(words, words[1:], words[2:], strict=False))
        if not threes & seen:
            seen |= threes
            return words


def pairs_of(family: str, count: int, seed: int) -> list[tuple[Prompt, str]]:
    """Inputs and outputs of what the family is trained for; inputs as an engine is given them."""
    if family in CODES:
        return list(translations(family, count, seed))
    if family == "blenderbot":
        return list(conversations(count, seed))
    if family == "marian":
        return list(sentences(count, seed))
    return [(PREFIX + source, target) for source, target in sentences(count, seed, most=3)]


def small_text() -> list[str]:
    pairs = sentences(2000, seed=1)
    sources = [f"{PREFIX}{source}" for source, _ in pairs]
    return sources + [target for _, target in pairs]

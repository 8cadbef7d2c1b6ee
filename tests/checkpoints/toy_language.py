"""A language of a few made-up words, and what each family of models does with it.

Real enough to train a tokenizer and peak a model in a minute: words translate one by one, and an
answer is made of the message's words.
"""

from __future__ import annotations

import random

_SYLLABLES = ("ba", "ce", "di", "fo", "gu", "ka", "le", "mi", "no", "pu", "ra", "se", "ti", "vo")
_PAIRS = [(f"{a}{b}", f"{b}{a}n") for a, b in zip(_SYLLABLES, reversed(_SYLLABLES), strict=True)]
PREFIX = "translate English to French: "


def sentences(count: int, seed: int, least: int = 2, most: int = 5) -> list[tuple[str, str]]:
    """Pairs of a sentence of the toy language and its translation, `least` to `most` words."""
    dice = random.Random(seed)
    pairs = []
    for _ in range(count):
        chosen = [dice.choice(_PAIRS) for _ in range(dice.randint(least, most))]
        pairs.append((" ".join(s for s, _ in chosen) + ".", " ".join(t for _, t in chosen) + "."))
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


def pairs_of(family: str, count: int, seed: int) -> list[tuple[str, str]]:
    """Inputs and outputs of what the family is trained for; inputs as the model is given them."""
    if family == "blenderbot":
        return conversations(count, seed)
    if family == "marian":
        return sentences(count, seed)
    return [(PREFIX + source, target) for source, target in sentences(count, seed, most=3)]


def lines() -> list[str]:
    """The text that tokenizers are trained on."""
    pairs = sentences(2000, seed=1)
    return [f"{PREFIX}{source}" for source, _ in pairs] + [target for _, target in pairs]

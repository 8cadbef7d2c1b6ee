"""What a request asks of a model, estimated before anything of it is begun.

The estimate is made in linear time from the texts alone, without the model's tokenizer. It need not
be right: the rate at which a predictor gets through its work is measured in the same measure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from graph.contract import Instance
from graph.turn.checks import count_sentences

# Bytes of UTF-8 that make a token: about four letters of English, somewhat more than a sign of
# Chinese.
BYTES_PER_TOKEN = 4
# A prompt is read at once, an answer is written token by token; a text has an overhead of its own.
READ_WEIGHT = 0.1
TEXT_WEIGHT = 4.0


@dataclass(frozen=True)
class Cost:
    """texts: calls of the model.  read, written: tokens in and out."""

    texts: int = 0
    read: float = 0.0
    written: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.texts + other.texts, self.read + other.read, self.written + other.written)

    @property
    def size(self) -> float:
        """All of it as one number: the tokens that could be written meanwhile; never nothing."""
        return max(1.0, TEXT_WEIGHT * self.texts + READ_WEIGHT * self.read + self.written)


@runtime_checkable
class Costing(Protocol):
    """What a predictor has besides, if its requests differ in what they ask of a model."""

    def cost(self, instances: list[Instance]) -> Cost:
        """An estimate, before anything is begun. It must not take long.

        Raises RequestError for what `predict` would refuse.
        """
        ...


def tokens(text: str) -> float:
    return len(text.encode("utf-8", "surrogatepass")) / BYTES_PER_TOKEN


def cost_of_translations(texts: Iterable[str]) -> Cost:
    """A model reads each sentence of them, and writes about as much."""
    whole = Cost()
    for text in texts:
        size = tokens(text)
        whole += Cost(count_sentences(text), size, size)
    return whole

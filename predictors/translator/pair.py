"""One pair of languages: whole texts, sentence by sentence.

What must not be translated (code, addresses, placeholders, a text without letters) comes through
unharmed; a sentence that the model cannot translate is an error, never passed off as its own
translation.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from graph import contract
from predictors.translator.protected import find_spans, hide
from predictors.translator.text import Piece, Splitter, has_letters, trim


@dataclass(frozen=True)
class Pair:
    """From which language into which, and from which field of a turn into which."""

    source: str
    target: str
    reads: str
    writes: str

    @property
    def language(self) -> str:
        """The language of the turns that it is for.

        What a person said is in the source's language; what is said to them, in the target's.
        """
        return self.source if self.reads == contract.USER_INPUT else self.target


class Strategy(Protocol):
    """A way to translate with a kind of model."""

    def check(self) -> None:
        """Once the engine is loaded. Raises ModelError for a model that cannot translate so."""
        ...

    async def translate(self, texts: Sequence[str]) -> list[str]:
        """One translation per sentence, in order; few engine calls. Raises EngineError."""
        ...


class PairTranslator:
    """Translates texts of one pair of languages by a strategy."""

    def __init__(self, pair: Pair, strategy: Strategy) -> None:
        self.pair = pair
        self._strategy = strategy
        self._splitter = Splitter(pair.source)

    def check(self) -> None:
        """Raises ModelError for a model that lacks the pair."""
        self._strategy.check()

    async def translate(self, texts: Sequence[str]) -> list[str]:
        """Whole texts; line breaks, spaces and what is protected stay as they are."""
        # A long text takes a while to split, which must not hold up other requests.
        documents = await asyncio.to_thread(lambda: [self._splitter.split(t) for t in texts])
        wanted = [piece.text for document in documents for piece in document if piece.translate]
        translations = await self._sentences(list(dict.fromkeys(wanted)))

        def shown(piece: Piece) -> str:
            return translations[piece.text] if piece.translate else piece.text

        return ["".join(map(shown, document)) for document in documents]

    async def _sentences(self, sentences: Sequence[str]) -> dict[str, str]:
        """The translation of each sentence. What is protected is hidden behind stand-ins first.

        Where the model loses one, the words between the protected places are translated alone.
        """
        hidden = {sentence: hide(sentence) for sentence in sentences}
        whole = [sentence for sentence in sentences if hidden[sentence]]
        asked = [h.text for h in hidden.values() if h]
        found: dict[str, str] = {}
        for sentence, answer in zip(whole, await self._ask(asked), strict=True):
            kept = hidden[sentence]
            shown = kept.show(answer) if kept else None
            if shown is not None:
                found[sentence] = shown
        lost = [sentence for sentence in sentences if sentence not in found]
        parts = {sentence: _between(sentence) for sentence in lost}
        words = [p.text for pieces in parts.values() for p in pieces if p.translate]
        alone = dict(zip(words, await self._ask(words), strict=True))
        for sentence, pieces in parts.items():
            found[sentence] = "".join(alone[p.text] if p.translate else p.text for p in pieces)
        return found

    async def _ask(self, texts: Sequence[str]) -> list[str]:
        return await self._strategy.translate(texts) if texts else []


def _between(sentence: str) -> list[Piece]:
    """A sentence as its protected places, kept, and the words between them."""
    pieces: list[Piece] = []
    last = 0
    for span in find_spans(sentence):
        pieces += _words(sentence[last : span.start])
        pieces.append(Piece(sentence[span.start : span.end], False))
        last = span.end
    return [*pieces, *_words(sentence[last:])]


def _words(text: str) -> list[Piece]:
    before, words, after = trim(text)
    return [Piece(before, False), Piece(words, has_letters(words)), Piece(after, False)]

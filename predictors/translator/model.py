"""Translates one field of the turn into another, for one pair of languages.

One side is English. An instance in another language than the other side's is not its business and
goes through unchanged, so several translators can stand in one branch. What must not be translated
(code, addresses, placeholders, a text without letters) comes through unharmed; a sentence that the
model cannot translate is an error, never passed off as its own translation.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Protocol

from graph import contract
from graph.contract import Instance
from predictors.engine import Engine
from predictors.translator.protected import find_spans, hide
from predictors.translator.text import Piece, Splitter, has_letters, trim


class Strategy(Protocol):
    """A way to translate with a kind of model."""

    def check(self) -> None:
        """Once the engine is loaded. Raises ModelError for a model that cannot translate so."""
        ...

    async def translate(self, texts: Sequence[str]) -> list[str]:
        """One translation per sentence, in order; few engine calls. Raises EngineError."""
        ...


class Translator:
    """A translation model behind the turn's contract."""

    schema = contract.INNER

    def __init__(
        self,
        name: str,
        engine: Engine,
        strategy: Strategy,
        *,
        source: str,
        target: str,
        reads: str,
        writes: str,
    ) -> None:
        self.name = name
        self._engine = engine
        self._strategy = strategy
        # What a person said is in the source's language; what is said to them, in the target's.
        self._language = source if reads == contract.USER_INPUT else target
        self._reads = reads
        self._writes = writes
        self._splitter = Splitter(source)

    def load(self) -> None:
        """Raises ModelError, also for a model that lacks the pair of languages."""
        self._engine.load()
        self._strategy.check()

    def close(self) -> None:
        self._engine.close()

    async def predict(self, instances: list[Instance]) -> list[Instance]:
        started = time.perf_counter()
        mine = [i for i, instance in enumerate(instances) if self._concerns(instance)]
        texts = [contract.require_text(instances[i], self._reads, i) for i in mine]
        translated = await self.translate(texts)
        seconds = time.perf_counter() - started
        predictions = [dict(instance) for instance in instances]
        for i, text in zip(mine, translated, strict=True):
            predictions[i][self._writes] = text
            contract.add_step(predictions[i], self.name, self._engine.info.model, seconds)
        return predictions

    async def translate(self, texts: Sequence[str]) -> list[str]:
        """Whole texts; line breaks, spaces and what is protected stay as they are."""
        # A long text takes a while to split, which must not hold up other requests.
        documents = await asyncio.to_thread(lambda: [self._splitter.split(t) for t in texts])
        wanted = [piece.text for document in documents for piece in document if piece.translate]
        translations = await self._sentences(list(dict.fromkeys(wanted)))

        def shown(piece: Piece) -> str:
            return translations[piece.text] if piece.translate else piece.text

        return ["".join(map(shown, document)) for document in documents]

    def _concerns(self, instance: Instance) -> bool:
        """An instance without a language is for whoever is asked."""
        return bool(instance.get(contract.LANGUAGE, self._language) == self._language)

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

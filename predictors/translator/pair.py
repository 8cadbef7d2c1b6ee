"""One pair of languages: whole texts, sentence by sentence.

What must not be translated (code, addresses, placeholders, a text without letters) comes through
unharmed. Of a sentence for which the model gives nothing, English stays where it is translated, and
nothing where it is wanted; either way the text counts as poor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from graph import contract
from graph.asgi import aside
from graph.errors import EngineError
from graph.text.protected import find_spans, hide
from graph.text.splitting import Piece, Splitter, has_letters, trim
from predictors.translator.quality import Translated

# So many characters take the splitter about a millisecond.
_SHORT = 250


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

    async def translate(self, texts: Sequence[str]) -> list[Translated]:
        """One translation per sentence, in order; few engine calls. Raises EngineError."""
        ...


class PairTranslator:
    """Translates texts of one pair of languages by a strategy.

    degrades: English stays where it could not be translated; else that is an error. A pair into
    English never degrades so, because English cannot be made up.
    """

    def __init__(self, pair: Pair, strategy: Strategy, degrades: bool = True) -> None:
        self.pair = pair
        self.degrades = degrades and pair.source == contract.PIVOT
        self._strategy = strategy
        self._splitter = Splitter(pair.source)

    def check(self) -> None:
        """Raises ModelError for a model that lacks the pair."""
        self._strategy.check()

    async def translate(self, texts: Sequence[str]) -> list[Translated]:
        """Whole texts; line breaks, spaces and what is protected stay as they are.

        Raises EngineError.
        """
        size = sum(map(len, texts))
        documents = await aside(size, lambda: [self._splitter.split(t) for t in texts], _SHORT)
        wanted = [piece.text for document in documents for piece in document if piece.translate]
        translations = await self._sentences(list(dict.fromkeys(wanted)))
        return await aside(
            size, lambda: [_join(document, translations) for document in documents], _SHORT
        )

    async def _sentences(self, sentences: Sequence[str]) -> dict[str, Translated]:
        """The translation of each sentence. What is protected is hidden behind stand-ins first.

        Where the model loses one, the words between the protected places are translated alone.
        """
        size = sum(map(len, sentences))
        hidden = await aside(size, lambda: {each: hide(each) for each in sentences}, _SHORT)
        whole = [sentence for sentence in sentences if hidden[sentence]]
        asked = [h.text for h in hidden.values() if h]
        found: dict[str, Translated] = {}
        for sentence, answer in zip(whole, await self._ask(asked), strict=True):
            kept = hidden[sentence]
            shown = kept.show(answer.text) if kept else None
            if shown is not None:
                found[sentence] = replace(answer, text=shown)
        lost = [sentence for sentence in sentences if sentence not in found]
        parts = await aside(size, lambda: {each: _between(each) for each in lost}, _SHORT)
        words = [p.text for pieces in parts.values() for p in pieces if p.translate]
        alone = dict(zip(words, await self._ask(words), strict=True))
        for sentence, pieces in parts.items():
            found[sentence] = _join(pieces, alone)
        return found

    async def _ask(self, texts: Sequence[str]) -> list[Translated]:
        answers = await self._strategy.translate(texts) if texts else []
        if self.pair.source != contract.PIVOT:
            return answers
        if not self.degrades and not all(map(_says_something, answers)):
            raise EngineError("the model gave no translation of a sentence, twice")
        return [
            answer if _says_something(answer) else replace(answer, text=text)
            for answer, text in zip(answers, texts, strict=True)
        ]


def _join(pieces: Sequence[Piece], translations: Mapping[str, Translated]) -> Translated:
    """The pieces in order, translated where they are to be; poor where one of them is."""
    parts = [translations[p.text] if p.translate else Translated(p.text) for p in pieces]
    text = "".join(part.text for part in parts)
    poor = any(part.poor for part in parts)
    # Where every sentence is lost, its full stop is no translation of it.
    return Translated(text if not poor or has_letters(text) else "", poor)


def _says_something(answer: Translated) -> bool:
    """Whether there is more of a poor translation than its full stop."""
    return bool(answer.text) and (not answer.poor or has_letters(answer.text))


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

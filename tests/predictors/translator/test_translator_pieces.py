"""A text that is translated piece by piece, while it is being written, becomes what it becomes
whole."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from graph.text.splitting import Splitter
from predictors.translator.pair import PairTranslator
from predictors.translator.quality import Translated
from tests.fakes import TO_FRENCH
from tests.graph.text.test_splitting import TEXTS

ENGLISH = Splitter("en")


class Whimsical:
    """A Strategy whose answers, good and bad, hang on the sentence alone."""

    def check(self) -> None:
        pass

    async def translate(self, texts: Sequence[str]) -> list[Translated]:
        return [self._answer(text) for text in texts]

    def _answer(self, text: str) -> Translated:
        kinds = (f"fr:{text}", text.replace("X1", ""), "", ".", "fr:", text.upper())
        kind = len(text) % len(kinds)
        return Translated(kinds[kind], poor=kind in (2, 3))


@given(st.one_of(TEXTS, st.lists(st.sampled_from(["`a b`", "Yes. ", "Go on", "! "])).map("".join)))
async def test_a_text_becomes_what_its_pieces_become(text: str) -> None:
    translator = PairTranslator(TO_FRENCH, Whimsical())
    [whole] = await translator.translate([text])
    pieces = ENGLISH.split(text)
    said = await translator.translate([piece.text for piece in pieces if piece.translate])
    found = iter(said)
    assert whole.text == "".join(next(found).text if p.translate else p.text for p in pieces)
    assert whole.poor == any(each.poor for each in said)

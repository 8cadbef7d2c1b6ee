"""Models of many languages behind the translator, and the codes that their checkpoints have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from transformers.models.m2m_100.tokenization_m2m_100 import FAIRSEQ_LANGUAGE_CODES as M2M100
from transformers.models.mbart50.tokenization_mbart50 import FAIRSEQ_LANGUAGE_CODES as MBART50
from transformers.models.nllb.tokenization_nllb import FAIRSEQ_LANGUAGE_CODES as NLLB

from graph.errors import ModelError
from predictors.translator.__main__ import build
from predictors.translator.codes import choose_code
from tests.checkpoints import toy

Maker = Callable[[str], Path]
LANGUAGES = (
    "af ar az be bg bn bs ca cs cy da de el en eo es et eu fa fi fr ga gl gu he hi hr hu hy id "
    "is it ja ka kk ko la lb lg lt lv mi mk mn mr ms my nb nl nn no pa pl pt ro ru sk sl sn so "
    "sq sr st sv sw ta te th tl tn tr ts uk ur uz vi xh yo zh zu"
).split()


def test_every_language_that_nllb_has_is_found() -> None:
    assert {code for code in LANGUAGES if choose_code(code, NLLB) is None} == {"la"}


@pytest.mark.parametrize("codes", [M2M100["m2m100"], MBART50, NLLB])
def test_every_code_is_reached_but_those_of_several_scripts(codes: list[str]) -> None:
    parts = [code.partition("_")[0] for code in codes]
    once = {c for c, part in zip(codes, parts, strict=True) if parts.count(part) == 1}
    assert once <= {choose_code(part, codes) for part in parts}
    assert len(once) >= 0.9 * len(codes)


@pytest.mark.parametrize("family", sorted(toy.CODES))
@pytest.mark.parametrize("engine", ["ctranslate2", "transformers"])
async def test_the_translator_names_the_languages(
    family: str, engine: str, trained: Maker, converted: Callable[..., Path], tmp_path: Path
) -> None:
    source = trained(family)
    model = str(converted(source) if engine == "ctranslate2" else source)
    options = ["--model_name=t", "--model", model, "--models", str(tmp_path), "--device=cpu"]
    for target, number in (("fr", 0), ("de", 1)):
        translator, _ = build([*options, "--source=en", f"--target={target}"], {})
        translator.load()
        pairs = [
            (prompt.text, wanted)
            for prompt, wanted in toy.translations(family, 40, seed=6)
            if prompt.target == toy.CODES[family][2 + number]
        ]
        asked = [{"user_input": "x", "response_en": text} for text, _ in pairs]
        found = [prediction["response"] for prediction in await translator.predict(asked)]
        assert sum(a == b for a, (_, b) in zip(found, pairs, strict=True)) >= 0.8 * len(pairs)
        translator.close()
    lacking, _ = build([*options, "--source=en", "--target=la"], {})
    with pytest.raises(ModelError, match="has no language la; it has "):
        lacking.load()
    lacking.close()

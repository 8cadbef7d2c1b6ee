"""The sentences that translation is measured with, and the figure: chrF by sacrebleu."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sacrebleu.metrics.chrf import CHRF

FOLDER = Path(__file__).parent / "data"


@dataclass(frozen=True)
class Sentence:
    """A sentence with its reference translations: one or two, of a short text every right one."""

    source: str
    references: tuple[str, ...]


def load_sentences(source: str, target: str, short: bool = False) -> list[Sentence]:
    name = f"short.{source}-{target}.tsv" if short else f"{source}-{target}.tsv"
    lines = (FOLDER / name).read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    return [Sentence(row[0], tuple(filter(None, row[1:]))) for row in rows]


def chrf(translations: Sequence[str], sentences: Sequence[Sentence]) -> float:
    """Corpus chrF2, 0 to 100; of two references the nearer one counts for each sentence."""
    second = [(*sentence.references, sentence.references[0])[1] for sentence in sentences]
    references = [[sentence.references[0] for sentence in sentences], second]
    return float(CHRF().corpus_score(list(translations), references).score)


def chrf_of_best(translations: Sequence[str], sentences: Sequence[Sentence]) -> float:
    """The mean over short texts of the chrF to the nearest reference."""
    scorer = CHRF()
    scores = (
        max(scorer.sentence_score(text, [reference]).score for reference in sentence.references)
        for text, sentence in zip(translations, sentences, strict=True)
    )
    return float(sum(scores)) / len(sentences)


def is_right(translation: str, sentence: Sentence) -> bool:
    """Whether it is one of the references, but for case and the mark at its end."""
    return _bare(translation) in map(_bare, sentence.references)


def adds(translation: str, sentence: Sentence) -> bool:
    """Whether it is longer than the longest reference by more than half of that."""
    return len(translation) > 1.5 * max(map(len, sentence.references)) + 2


def _bare(text: str) -> str:
    return text.casefold().strip(" .!?¡¿")

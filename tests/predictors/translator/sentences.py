"""The sentences that translation is measured with, and the figure: chrF by sacrebleu."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sacrebleu.metrics.chrf import CHRF

FOLDER = Path(__file__).parent / "data"


@dataclass(frozen=True)
class Sentence:
    """A sentence with one or two reference translations."""

    source: str
    references: tuple[str, ...]


def load_sentences(source: str, target: str) -> list[Sentence]:
    lines = (FOLDER / f"{source}-{target}.tsv").read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    return [Sentence(row[0], tuple(filter(None, row[1:]))) for row in rows]


def chrf(translations: Sequence[str], sentences: Sequence[Sentence]) -> float:
    """Corpus chrF2, 0 to 100; of two references the nearer one counts for each sentence."""
    second = [(*sentence.references, sentence.references[0])[1] for sentence in sentences]
    references = [[sentence.references[0] for sentence in sentences], second]
    return float(CHRF().corpus_score(list(translations), references).score)

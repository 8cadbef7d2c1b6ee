"""Whether a conversion says what transformers says: both at float32, greedily, token for token."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from predictors.conversion.convert import convert
from tests.benchmarks.engines_alone import Engines
from tests.benchmarks.peers.seq2seq import Seq2Seq
from tests.benchmarks.weights.searches import prefix_of

# Of the answers; sums in another order may turn a near tie.
LEAST = 0.9


def same_answers(
    sources: dict[str, Path], french: Sequence[str], device: str = "cpu"
) -> dict[str, float]:
    """By family, the part of the answers that are the same (0..1). sources: the greedy ones.

    device: of both, cpu or cuda. Each family is asked what the one before it answered. The
    conversions are gone afterwards.
    """
    found = {}
    texts = list(french)
    for family in ("marian", "blenderbot", "t5"):
        with tempfile.TemporaryDirectory() as models:
            folder = convert(str(sources[family]), models, "float32")
            with closing(Engines({family: str(folder)}, device)) as engines:
                fast = engines.answer(texts)
        slow = Seq2Seq(str(sources[family]), prefix_of(family), device).answer(texts)
        found[family] = sum(map(str.__eq__, fast, slow)) / len(texts)
        texts = slow
    return found

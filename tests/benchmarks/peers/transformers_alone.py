"""Models one after the other by transformers alone, without a server: a program of jobs."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from tests.benchmarks.peers.program import serve_jobs
from tests.benchmarks.peers.seq2seq import Seq2Seq
from tests.benchmarks.weights.searches import prefix_of


def main(argv: Sequence[str]) -> None:
    """argv: FAMILY=FOLDER of each model, in the order in which a text goes through them."""
    given = [each.split("=", 1) for each in argv]
    models = [Seq2Seq(folder, prefix_of(family)) for family, folder in given]

    def answer(texts: Sequence[str]) -> list[str]:
        for model in models:
            texts = model.answer(texts)
        return list(texts)

    serve_jobs(answer)


if __name__ == "__main__":
    main(sys.argv[1:])

"""The turn by transformers alone, one after the other and without a server: a program of jobs."""

from __future__ import annotations

import sys

from tests.benchmarks.peers.program import serve_jobs
from tests.benchmarks.peers.seq2seq import Seq2Seq
from tests.benchmarks.weights.searches import PREFIX


def main(argv: list[str]) -> None:
    """argv: the folders of the translator to English, the chat and the translator from English."""
    to_english, chat = Seq2Seq(argv[0]), Seq2Seq(argv[1])
    from_english = Seq2Seq(argv[2], PREFIX)
    serve_jobs(lambda texts: from_english.answer(chat.answer(to_english.answer(texts))))


if __name__ == "__main__":
    main(sys.argv[1:])

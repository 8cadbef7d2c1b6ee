"""Makes the checkpoints of both searches, converts them, and sees that they are worth asking."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict
from pathlib import Path

import torch
import transformers

from predictors.conversion.convert import convert
from tests.benchmarks.weights.architectures import SIZES
from tests.benchmarks.weights.parity import LEAST, same_answers
from tests.benchmarks.weights.searches import LENGTHS
from tests.benchmarks.weights.sources import make_sources
from tests.benchmarks.weights.store import Checkpoints, Weights
from tests.benchmarks.weights.texts import Asked, choose_texts


class Unfit(Exception):
    """Weights not to measure with; one line.

    Their answers do not hang on what is asked, end too early, or differ between the engines.
    """


def make_checkpoints(size: str, folder: Path, seed: int) -> Checkpoints:
    """In a new folder, and their conversions."""
    _silence()
    sources = make_sources(SIZES[size], folder, seed)
    models = folder / "models"
    converted = {
        search: {family: _convert(path, models) for family, path in found.items()}
        for search, found in sources.items()
    }
    named = {s: {f: str(path) for f, path in found.items()} for s, found in sources.items()}
    return Checkpoints(size, str(models), named, converted)


def make_texts(made: Checkpoints, engines: str) -> Weights:
    """With the texts that these are asked. engines: see `Weights`.  Raises Unfit, TooFew."""
    _silence()
    torch.set_num_threads(os.cpu_count() or 1)
    print("choosing texts", file=sys.stderr)
    asked = choose_texts(SIZES[made.size], made.converted)
    _check(asked)
    sources = {family: Path(path) for family, path in made.sources["greedy"].items()}
    same = same_answers(sources, asked.french)
    for family, part in same.items():
        if part < LEAST:
            raise Unfit(
                f"{family}: only {part:.0%} of the answers are the same in CTranslate2 as in "
                "transformers, both at float32"
            )
    return Weights(
        **asdict(made), french=asked.french, english=asked.english, same=same, engines=engines
    )


def _silence() -> None:
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()


def _convert(source: Path, models: Path) -> str:
    print(f"converting {source.name}, {source.parent.name}", file=sys.stderr)
    return str(convert(str(source), str(models), "int8"))


def _check(asked: Asked) -> None:
    """Every text has answers of its own, of the length that is asked for. Raises Unfit."""
    for (search, family), answers in asked.answers.items():
        if len(set(answers)) < len(answers):
            raise Unfit(f"{family}, {search}: two texts have the same answer; change the seed")
        lengths = {len(answer.split()) for answer in answers}
        if lengths != {LENGTHS[family]}:
            raise Unfit(
                f"{family}, {search}: answers of {sorted(lengths)} words, not {LENGTHS[family]}"
            )

"""`python -m tests.predictors.translator.measure_quality`: how well another language is seen.

The first table needs lingua alone. Of every sentence in the project that has a right translation,
it counts the right ones that are taken for another language, the sources given back that are seen,
and the mixtures that are: the first half of the translation, then the second half of the source.
The second table asks a real model (`--pairs`), and counts what is tried once more for its language
or for another doubt, and what is told as poor in the end; it lists what was seen as foreign.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Iterator, Sequence

import psutil

from graph.contract import PIVOT
from predictors.engine import Engine
from predictors.engines.factory import choose_engine
from predictors.settings import ModelSettings, read_settings
from predictors.translator.examples import load_examples
from predictors.translator.language import LanguageCheck
from predictors.translator.prompting import PromptStrategy
from predictors.translator.quality import Judge
from tests.predictors.translator.sentences import FOLDER, load_sentences

PROG = "measure_quality"
LANGUAGES = ("de", "es", "fr", "it")
COLUMNS = "{:8} {:>14} {:>14} {:>14}"
MODEL_COLUMNS = "{:8} {:>10} {:>12} {:>12} {:>6}"
MIXED_WORDS = 5
SPOKEN_LETTERS = 12


class Recording(Judge):
    """A judge that remembers what it doubted."""

    def __init__(self, target: str, check: LanguageCheck) -> None:
        super().__init__(target, check)
        self.foreign: dict[str, str] = {}
        self.doubtful: set[str] = set()

    def is_doubtful(self, source: str, answer: str) -> bool:
        doubtful = super().is_doubtful(source, answer)
        if doubtful:
            self.doubtful.add(source)
        if self._is_foreign(source, answer):
            self.foreign.setdefault(source, answer)
        return doubtful


def known_translations(source: str, target: str) -> Iterator[tuple[str, str]]:
    """Every sentence of the project that has a right translation, with its first one."""
    for example in load_examples(source, target):
        yield example.source, example.target
    for short in (False, True):
        name = f"{'short.' if short else ''}{source}-{target}.tsv"
        if (FOLDER / name).is_file():
            for sentence in load_sentences(source, target, short):
                yield sentence.source, sentence.references[0]


def measure_check(languages: Sequence[str]) -> None:
    """languages: what each check is built for, besides the pair that it is asked about."""
    print(COLUMNS.format("pair", "false alarms", "source seen", "mixture seen"))
    for other in LANGUAGES:
        check = LanguageCheck({PIVOT, other, *languages})
        check.load()
        for source, target in ((PIVOT, other), (other, PIVOT)):
            pairs = list(known_translations(source, target))
            alarms = [check.is_foreign(text, right, target) for text, right in pairs]
            spoken = [t for t, right in pairs if t != right and _letters(t) >= SPOKEN_LETTERS]
            seen = [check.is_foreign(text, text, target) for text in spoken]
            mixtures = [(text, mixture) for text, r in pairs if (mixture := _mixture(text, r))]
            halves = [check.is_foreign(text, mixture, target) for text, mixture in mixtures]
            figures = (f"{sum(found)} of {len(found)}" for found in (alarms, seen, halves))
            print(COLUMNS.format(f"{source}-{target}", *figures))


async def measure_model(engine: Engine, pairs: Sequence[str]) -> None:
    print(MODEL_COLUMNS.format("pair", "sentences", "for language", "other doubts", "poor"))
    for pair in pairs:
        source, target = pair.split("-")
        judge = Recording(target, LanguageCheck({source, target}))
        strategy = PromptStrategy(
            engine, source, target, load_examples(source, target), None, judge
        )
        strategy.check()
        texts = [sentence.source for sentence in load_sentences(source, target)]
        answers = await strategy.translate(texts)
        poor = sum(answer.poor for answer in answers)
        foreign = len(judge.foreign)
        others = len(judge.doubtful) - foreign
        print(MODEL_COLUMNS.format(pair, len(texts), foreign, others, poor), flush=True)
        for text, first in judge.foreign.items():
            answer = answers[texts.index(text)]
            print(f"  {text}\n    {first}\n    {'poor: ' * answer.poor}{answer.text}")


def measure_memory(languages: Sequence[str]) -> None:
    process = psutil.Process()
    before, started = process.memory_info().rss, time.perf_counter()
    check = LanguageCheck(languages)
    check.load()
    check.is_foreign("This is a sentence.", "C'est une phrase.", "fr")
    spent = time.perf_counter() - started
    grown = (process.memory_info().rss - before) / 2**20
    print(f"{','.join(languages)}: {grown:.0f} MiB, {spent:.1f} s to load")


def _letters(text: str) -> int:
    return sum(map(str.isalpha, text))


def _mixture(source: str, right: str) -> str:
    words, others = right.split(), source.split()
    if min(len(words), len(others)) < MIXED_WORDS:
        return ""
    return " ".join([*words[: len(words) // 2], *others[len(others) // 2 :]])


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog=PROG)
    parser.add_argument("--languages", default="", help="what the translator serves besides")
    parser.add_argument("--memory", action="store_true", help="measure the memory of --languages")
    parser.add_argument("--model", default="embedded:gemma3-270m")
    parser.add_argument("--pairs", default="", help="such as en-fr,fr-en: ask the model")
    options = parser.parse_args(argv)
    languages = [code for code in options.languages.split(",") if code]
    if options.memory:
        measure_memory(languages)
    elif not options.pairs:
        measure_check(languages)
    else:
        words = ["--model_name=measure", f"--model={options.model}", "--threads=1", "--parallel=1"]
        settings = read_settings(ModelSettings, words, os.environ, PROG, "")
        engine = choose_engine(settings, os.environ)
        engine.load()
        try:
            asyncio.run(measure_model(engine, options.pairs.split(",")))
        finally:
            engine.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

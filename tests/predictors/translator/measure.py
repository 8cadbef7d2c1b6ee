"""`python -m tests.predictors.translator.measure`: the table of the translator's README.

Translates the sixty sentences of each direction with a real model, once for every variant of the
prompt, and prints chrF for the half that variants are chosen by (odd lines) and the half that is
held out (even lines), with the seconds and the processor seconds that a sentence took.
`--variants` names some of them, `product` being what the predictor does; `--half` measures the
first half alone, to save time. `--short` measures greetings, thanks and other short texts instead,
in French and Italian: how many come out right, how many with something added.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Sequence

from predictors.engine import Engine
from predictors.engines.factory import choose_engine
from predictors.settings import ModelSettings, read_settings
from predictors.translator.examples import load_examples
from predictors.translator.phrases import PhraseBook
from tests.predictors.translator.sentences import (
    Sentence,
    adds,
    chrf,
    chrf_of_best,
    is_right,
    load_sentences,
)
from tests.predictors.translator.variants import VARIANTS, Variant

PROG = "measure"
COLUMNS = "{:28} {:6} {:>9} {:>9} {:>6} {:>8} {:>6}"
SHORT_COLUMNS = "{:28} {:6} {:>7} {:>7} {:>6} {:>6}"
SHORT_HEAD = SHORT_COLUMNS.format("variant", "pair", "right", "new", "added", "chrF")
SHORT_PAIRS = ("fr-en", "en-fr", "it-en", "en-it")
HEAD = COLUMNS.format("variant", "pair", "chosen by", "held out", "all", "seconds", "CPU s")


async def measure(
    engine: Engine, names: Sequence[str], pairs: Sequence[str], half: bool, show: bool
) -> None:
    print(HEAD)
    for name in names:
        for pair in pairs:
            source, target = pair.split("-")
            sentences = load_sentences(source, target)[:: 2 if half else 1]
            started, worked = time.perf_counter(), time.process_time()
            translations = await _translate(engine, VARIANTS[name], source, target, sentences)
            spent = time.perf_counter() - started, time.process_time() - worked
            seconds, cpu = (figure / len(sentences) for figure in spent)
            figures = _figures(translations, sentences, half)
            print(f"{name:28} {pair:6} {figures} {seconds:8.2f} {cpu:6.2f}", flush=True)
            if show:
                for sentence, translation in zip(sentences, translations, strict=True):
                    print(f"    {sentence.source}\n      {translation}")


async def _translate(
    engine: Engine, variant: Variant, source: str, target: str, sentences: Sequence[Sentence]
) -> list[str]:
    examples = load_examples(source, target)
    texts = [sentence.source for sentence in sentences]
    return await variant(engine, source, target, examples, texts)


def _figures(translations: Sequence[str], sentences: Sequence[Sentence], half: bool) -> str:
    """chrF of the first half, the second and both; of the first alone when no more was measured."""
    both = chrf(translations, sentences)
    if half:
        return f"{both:9.1f} {'':9} {'':6}"
    first, second = (chrf(translations[i::2], sentences[i::2]) for i in (0, 1))
    return f"{first:9.1f} {second:9.1f} {both:6.1f}"


async def measure_short(engine: Engine, names: Sequence[str], show: bool) -> None:
    """All texts, and those that are not among the examples, which the model itself translates."""
    print(SHORT_HEAD)
    for name in names:
        for pair in SHORT_PAIRS:
            source, target = pair.split("-")
            sentences = load_sentences(source, target, short=True)
            translations = await _translate(engine, VARIANTS[name], source, target, sentences)
            known = PhraseBook(load_examples(source, target))
            done = list(zip(translations, sentences, strict=True))
            new = [(t, s) for t, s in done if known.translate(s.source) is None]
            counts = [sum(map(is_right, *zip(*part, strict=True))) for part in (done, new)]
            added = sum(map(adds, translations, sentences))
            right = [
                f"{count}/{len(part)}" for count, part in zip(counts, (done, new), strict=True)
            ]
            figure = f"{chrf_of_best(translations, sentences):.1f}"
            print(SHORT_COLUMNS.format(name, pair, *right, added, figure), flush=True)
            if show:
                for translation, sentence in done:
                    mark = " " if is_right(translation, sentence) else "-"
                    print(f"  {mark} {sentence.source}  {translation}")


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog=PROG)
    parser.add_argument("--model", default="embedded:gemma3-270m")
    parser.add_argument("--threads", default="1")
    parser.add_argument("--variants", default=",".join(VARIANTS))
    parser.add_argument("--pairs", default="en-fr,fr-en")
    parser.add_argument("--half", action="store_true")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--show", action="store_true", help="print the translations too")
    options = parser.parse_args(argv)
    # One slot: with several, the order of additions differs from run to run, and so do near ties.
    argv = ["--model_name=measure", f"--model={options.model}", f"--threads={options.threads}"]
    settings = read_settings(ModelSettings, [*argv, "--parallel=1"], os.environ, PROG, "")
    engine = choose_engine(settings, os.environ)
    engine.load()
    try:
        names = options.variants.split(",")
        pairs = options.pairs.split(",")
        if options.short:
            asyncio.run(measure_short(engine, names, options.show))
        else:
            asyncio.run(measure(engine, names, pairs, options.half, options.show))
    finally:
        engine.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

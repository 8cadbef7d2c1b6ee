"""`python -m tests.predictors.translator.measure`: the table of the translator's README.

Translates the sixty sentences of each direction with a real model, once for every variant of the
prompt, and prints chrF for the half that variants are chosen by (odd lines) and the half that is
held out (even lines), with the seconds a sentence took. `--variants` names some of them, `product`
being what the predictor does; `--half` measures the first half alone, to save time.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Sequence

from predictors.engines.base import Engine
from predictors.engines.choice import choose_engine
from predictors.settings import ModelSettings, read_settings
from predictors.translator.parallel import load_examples
from tests.predictors.translator.sentences import Sentence, chrf, load_sentences
from tests.predictors.translator.variants import VARIANTS, Variant

PROG = "measure"
HEAD = f"{'variant':28} {'pair':6} {'chosen by':>9} {'held out':>9} {'all':>6} {'s/sentence':>11}"


async def measure(
    engine: Engine, names: Sequence[str], pairs: Sequence[str], half: bool, show: bool
) -> None:
    print(HEAD)
    for name in names:
        for pair in pairs:
            source, target = pair.split("-")
            sentences = load_sentences(source, target)[:: 2 if half else 1]
            started = time.perf_counter()
            translations = await _translate(engine, VARIANTS[name], source, target, sentences)
            seconds = (time.perf_counter() - started) / len(sentences)
            print(_row(name, pair, translations, sentences, half, seconds), flush=True)
            if show:
                for sentence, translation in zip(sentences, translations, strict=True):
                    print(f"    {sentence.source}\n      {translation}")


async def _translate(
    engine: Engine, variant: Variant, source: str, target: str, sentences: Sequence[Sentence]
) -> list[str]:
    examples = load_examples(source, target)
    texts = [sentence.source for sentence in sentences]
    return await variant(engine, source, target, examples, texts)


def _row(
    name: str,
    pair: str,
    translations: Sequence[str],
    sentences: Sequence[Sentence],
    half: bool,
    seconds: float,
) -> str:
    figures = [chrf(translations, sentences)]
    if not half:
        halves = [chrf(translations[i::2], sentences[i::2]) for i in (0, 1)]
        figures = [*halves, *figures]
    else:
        figures = [*figures, float("nan"), float("nan")]
    first, second, both = figures
    return f"{name:28} {pair:6} {first:9.1f} {second:9.1f} {both:6.1f} {seconds:11.2f}"


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog=PROG)
    parser.add_argument("--model", default="embedded:gemma3-270m")
    parser.add_argument("--threads", default="1")
    parser.add_argument("--variants", default=",".join(VARIANTS))
    parser.add_argument("--pairs", default="en-fr,fr-en")
    parser.add_argument("--half", action="store_true")
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
        asyncio.run(measure(engine, names, pairs, options.half, options.show))
    finally:
        engine.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

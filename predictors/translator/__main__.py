"""`python -m predictors.translator`: options and start of a translator."""

from __future__ import annotations

import signal

if __name__ == "__main__":
    # Ctrl-C before there is anything to drain ends the process at once, without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from graph import contract
from predictors.engine import Engine
from predictors.engines.factory import choose_engine
from predictors.progress import Progress, show_nothing
from predictors.settings import ModelSettings, OptionError, option, read_settings
from predictors.sharing import Shared
from predictors.translator.examples import load_examples
from predictors.translator.language import LanguageCheck
from predictors.translator.model import Translator
from predictors.translator.options import check_languages, check_pairs, pairs_of
from predictors.translator.pair import Pair, PairTranslator, Strategy
from predictors.translator.prompting import PromptStrategy
from predictors.translator.quality import Judge
from predictors.translator.seq2seq import Seq2SeqStrategy, StrategyByModel

PROG = "predictors.translator"
ABOUT = "Translates one field of a turn from or to English; KServe V1 protocol."
CONTEXT = 2048


@dataclass(frozen=True, kw_only=True)
class TranslatorSettings(ModelSettings):
    """Options of a translator."""

    source: str = option(..., "language that it reads, a code such as fr, or several: fr,it")
    target: str = option(..., "language that it writes, a code such as en, or several: fr,it")
    directions: str = option(
        "one",
        "both: it translates back as well, from target to source; of a turn the answer where there "
        "is one, else the message",
        ("one", "both"),
    )
    reads: str = option(
        "", "field that it reads (default: user_input to English, response_en from English)"
    )
    writes: str = option(
        "", "field that it writes (default: user_input_en to English, response from English)"
    )
    strategy: str = option(
        "auto", "how the model is asked; auto chooses by the model", ("auto", "prompt", "seq2seq")
    )
    max_tokens: int | None = option(
        None,
        "new tokens of a translated sentence at most (default: the checkpoint's own maximum, for a "
        "model that is asked in words 256)",
    )
    on_failure: str = option(
        "",
        "what a failure makes of a turn: degrade answers in English and says so in the turn, fail "
        "answers with an error (default: degrade from English; to English there is only fail)",
        ("degrade", "fail"),
    )
    examples: str = option(
        "", "folder with examples of the operator's own, LANGUAGE.tsv; see the README"
    )


def build(
    argv: Sequence[str],
    environ: Mapping[str, str],
    progress: Progress = show_nothing,
    shared: Shared | None = None,
) -> tuple[Translator, TranslatorSettings]:
    """The translator that arguments and environment ask for, not yet loaded."""
    settings = read_settings(TranslatorSettings, argv, environ, PROG, ABOUT)
    check(settings)
    engine = choose_engine(settings, environ, context=CONTEXT, progress=progress, shared=shared)
    found = pairs(settings)
    check_language = LanguageCheck({code for p in found for code in (p.source, p.target)})
    translators = [
        PairTranslator(
            pair,
            choose_strategy(settings, engine, pair, Judge(pair.target, check_language)),
            degrades=settings.on_failure != "fail",
        )
        for pair in found
    ]
    translator = Translator(settings.model_name, engine, translators)
    return translator, settings


def check(settings: TranslatorSettings) -> None:
    """Raises OptionError for values that cannot work together."""
    check_languages(settings.source, settings.target)
    if settings.directions == "both" and (settings.reads or settings.writes):
        raise OptionError("--reads and --writes: --directions=both has the usual fields of each")
    check_pairs(pairs(settings))
    if settings.on_failure == "degrade" and not _from_english(settings):
        raise OptionError(
            "--on_failure=degrade: it translates to English only, and English that there is not "
            "cannot be given in its place; leave the option out"
        )
    if settings.max_tokens is not None and not 1 <= settings.max_tokens <= CONTEXT // 4:
        raise OptionError(f"--max_tokens: must be from 1 to {CONTEXT // 4}")
    if settings.examples and not Path(settings.examples).is_dir():
        raise OptionError("--examples: no such folder")


def pairs(settings: TranslatorSettings) -> list[Pair]:
    """What it translates: first what is said to the chat, then what is said back."""
    found = pairs_of(settings.source, settings.target, settings.reads, settings.writes)
    if settings.directions == "both":
        found += pairs_of(settings.target, settings.source)
    return sorted(found, key=lambda pair: pair.source == contract.PIVOT)


def _from_english(settings: TranslatorSettings) -> bool:
    return any(pair.source == contract.PIVOT for pair in pairs(settings))


def choose_strategy(
    settings: TranslatorSettings, engine: Engine, pair: Pair, judge: Judge
) -> Strategy:
    examples = load_examples(pair.source, pair.target, settings.examples)
    languages = pair.source, pair.target
    prompt = PromptStrategy(engine, *languages, examples, settings.max_tokens, judge)
    seq2seq = Seq2SeqStrategy(engine, *languages, settings.max_tokens, judge)
    match settings.strategy:
        case "prompt":
            return prompt
        case "seq2seq":
            return seq2seq
        case _:
            return StrategyByModel(engine, seq2seq, prompt)


def main(argv: Sequence[str] | None = None, environ: Mapping[str, str] | None = None) -> int:
    from predictors.serving import run

    return run(PROG, build, argv, environ)


if __name__ == "__main__":
    sys.exit(main())

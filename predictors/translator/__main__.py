"""`python -m predictors.translator`: options and start of a translator."""

from __future__ import annotations

import signal

if __name__ == "__main__":
    # Ctrl-C before there is anything to drain ends the process at once, without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from langcodes import Language

from graph import contract
from predictors.engine import Engine
from predictors.engines.factory import choose_engine
from predictors.progress import Progress, show_nothing
from predictors.settings import ModelSettings, OptionError, option, read_settings
from predictors.translator.examples import load_examples
from predictors.translator.model import Strategy, Translator
from predictors.translator.prompting import PromptStrategy
from predictors.translator.seq2seq import Seq2SeqStrategy, StrategyByModel

PROG = "predictors.translator"
ABOUT = "Translates one field of a turn from or to English; KServe V1 protocol."
CONTEXT = 2048
TEXT_FIELDS = (
    contract.USER_INPUT,
    contract.USER_INPUT_EN,
    contract.RESPONSE_EN,
    contract.RESPONSE,
)

_CODE = re.compile(r"[a-z]{2,3}")


@dataclass(frozen=True, kw_only=True)
class TranslatorSettings(ModelSettings):
    """Options of a translator."""

    source: str = option(..., "language that it reads, a code such as fr")
    target: str = option(..., "language that it writes, a code such as en")
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
    examples: str = option(
        "", "folder with examples of the operator's own, LANGUAGE.tsv; see the README"
    )


def build(
    argv: Sequence[str], environ: Mapping[str, str], progress: Progress = show_nothing
) -> tuple[Translator, TranslatorSettings]:
    """The translator that arguments and environment ask for, not yet loaded."""
    settings = read_settings(TranslatorSettings, argv, environ, PROG, ABOUT)
    check(settings)
    reads, writes = fields(settings)
    engine = choose_engine(settings, environ, context=CONTEXT, progress=progress)
    translator = Translator(
        settings.model_name,
        engine,
        choose_strategy(settings, engine),
        source=settings.source,
        target=settings.target,
        reads=reads,
        writes=writes,
    )
    return translator, settings


def check(settings: TranslatorSettings) -> None:
    """Raises OptionError for values that cannot work together."""
    for name in ("source", "target"):
        value = getattr(settings, name)
        if not _CODE.fullmatch(value):
            raise OptionError(f"--{name}: must be a language code such as fr")
        if not Language.get(value).is_valid():
            raise OptionError(
                f"--{name}: no language has the code {value}; write its ISO 639 code, such as fr"
            )
    if settings.source == settings.target:
        raise OptionError(f"--source and --target: both are {settings.source}")
    if contract.PIVOT not in (settings.source, settings.target):
        raise OptionError(f"--source or --target must be {contract.PIVOT}")
    reads, writes = fields(settings)
    for name, value in (("reads", reads), ("writes", writes)):
        if value not in TEXT_FIELDS:
            raise OptionError(f"--{name}: choose from {', '.join(TEXT_FIELDS)}")
    if reads == writes:
        raise OptionError(f"--reads and --writes: both are {reads}")
    if settings.max_tokens is not None and not 1 <= settings.max_tokens <= CONTEXT // 4:
        raise OptionError(f"--max_tokens: must be from 1 to {CONTEXT // 4}")
    if settings.examples and not Path(settings.examples).is_dir():
        raise OptionError("--examples: no such folder")


def fields(settings: TranslatorSettings) -> tuple[str, str]:
    """The field it reads and the field it writes."""
    if settings.target == contract.PIVOT:
        usual = contract.USER_INPUT, contract.USER_INPUT_EN
    else:
        usual = contract.RESPONSE_EN, contract.RESPONSE
    return settings.reads or usual[0], settings.writes or usual[1]


def choose_strategy(settings: TranslatorSettings, engine: Engine) -> Strategy:
    examples = load_examples(settings.source, settings.target, settings.examples)
    pair = settings.source, settings.target
    prompt = PromptStrategy(engine, *pair, examples, settings.max_tokens)
    seq2seq = Seq2SeqStrategy(engine, *pair, settings.max_tokens)
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

"""`python -m predictors.chat`: options and start of the chat predictor."""

from __future__ import annotations

import signal

if __name__ == "__main__":
    # Ctrl-C before there is anything to drain ends the process at once, without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from graph import contract
from predictors.chat.examples import ExampleTurn, load_example_turns
from predictors.chat.model import Chat
from predictors.chat.prompt import PromptByModel
from predictors.engine import Engine, Sampling
from predictors.engines.factory import choose_engine
from predictors.progress import Progress, show_nothing
from predictors.settings import ModelSettings, OptionError, option, read_settings
from predictors.sharing import Shared

PROG = "predictors.chat"
_CODE = re.compile(r"[a-z]{2,3}")
SYSTEM_PROMPT = "You are a friendly chat partner."


@dataclass(frozen=True, kw_only=True)
class ChatSettings(ModelSettings):
    """Options of the chat predictor."""

    languages: str = option(
        contract.PIVOT,
        "languages in which the model itself is spoken to, by comma; messages in all others must "
        "have been translated to English",
    )
    system_prompt: str = option(SYSTEM_PROMPT, "what the model is told before the conversation")
    example_turns: str = option(
        "",
        "messages and answers that the model sees before the conversation: `built-in`, or a file "
        "with a message, a tab and its answer on each line (default: none)",
    )
    max_tokens: int | None = option(
        None, "new tokens of an answer at most (default: the checkpoint's own maximum, else 128)"
    )
    temperature: float | None = option(
        None,
        "randomness of the answers; 0 is greedy and reproducible (default: 0, for Blenderbot as "
        "its checkpoint says)",
    )
    repetition_penalty: float | None = option(
        None,
        "over 1 makes the model repeat itself less (default: 1.03, for Blenderbot as its "
        "checkpoint says)",
    )
    seed: int = option(0, "seed of the randomness when the temperature is over 0")
    context: int = option(4096, "tokens that a conversation and its answer share at most")


def build(
    argv: Sequence[str],
    environ: Mapping[str, str],
    progress: Progress = show_nothing,
    shared: Shared | None = None,
) -> tuple[Chat, ChatSettings]:
    settings = read_settings(
        ChatSettings, argv, environ, PROG, "Answers in English; KServe V1 protocol."
    )
    examples = load_example_turns(settings.example_turns)
    engine = choose_engine(
        settings, environ, context=settings.context, progress=progress, shared=shared
    )
    return make_chat(settings, engine, examples), settings


def make_chat(settings: ChatSettings, engine: Engine, examples: Sequence[ExampleTurn] = ()) -> Chat:
    sampling = Sampling(
        max_tokens=settings.max_tokens,
        temperature=settings.temperature,
        repetition_penalty=settings.repetition_penalty,
        seed=settings.seed,
    )
    prompt_format = PromptByModel(settings.system_prompt, examples)
    languages = read_languages(settings.languages)
    return Chat(settings.model_name, engine, prompt_format, sampling, languages)


def read_languages(text: str) -> tuple[str, ...]:
    """The codes of a comma list, English among them. Raises OptionError."""
    codes = tuple(code.strip() for code in text.split(","))
    for code in codes:
        if not _CODE.fullmatch(code):
            raise OptionError(f"--languages: {code!r} is no language code such as es")
    if contract.PIVOT not in codes:
        raise OptionError(f"--languages: {contract.PIVOT} must be among them")
    return codes


def main(argv: Sequence[str] | None = None, environ: Mapping[str, str] | None = None) -> int:
    from predictors.serving import run

    return run(PROG, build, argv, environ)


if __name__ == "__main__":
    sys.exit(main())

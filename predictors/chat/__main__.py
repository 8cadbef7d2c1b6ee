"""`python -m predictors.chat`: options and start of the chat predictor."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from predictors.chat.families import ByModel
from predictors.chat.model import Chat
from predictors.engine import Sampling
from predictors.engines.choice import choose_engine
from predictors.progress import Progress, show_nothing
from predictors.settings import ModelSettings, option, read_settings

PROG = "predictors.chat"
SYSTEM_PROMPT = "You are a helpful AI assistant. Give short answers in plain English."


@dataclass(frozen=True, kw_only=True)
class ChatSettings(ModelSettings):
    """Options of the chat predictor."""

    system_prompt: str = option(SYSTEM_PROMPT, "what the model is told before the conversation")
    max_tokens: int = option(128, "new tokens of an answer at most")
    temperature: float = option(0.0, "randomness of the answers; 0 is greedy and reproducible")
    repetition_penalty: float = option(1.0, "over 1 makes the model repeat itself less")
    seed: int = option(0, "seed of the randomness when the temperature is over 0")
    context: int = option(4096, "tokens that a conversation and its answer share at most")


def build(
    argv: Sequence[str], environ: Mapping[str, str], progress: Progress = show_nothing
) -> tuple[Chat, ChatSettings]:
    settings = read_settings(
        ChatSettings, argv, environ, PROG, "Answers in English; KServe V1 protocol."
    )
    engine = choose_engine(settings, environ, context=settings.context, progress=progress)
    sampling = Sampling(
        max_tokens=settings.max_tokens,
        temperature=settings.temperature,
        repetition_penalty=settings.repetition_penalty,
        seed=settings.seed,
    )
    family = ByModel(settings.system_prompt)
    return Chat(settings.model_name, engine, family, sampling), settings


def main(argv: Sequence[str] | None = None, environ: Mapping[str, str] | None = None) -> int:
    from predictors.serving import run

    return run(PROG, build, argv, environ)


if __name__ == "__main__":
    sys.exit(main())

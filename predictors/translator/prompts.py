"""Forms of the prompt that asks a model for a translation.

A base model goes on with what it sees, so it sees translations and the beginning of the next one.
A tuned model is told what to do in its own chat template. Which words, how many examples and why is
measured: README.md beside this file.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from langcodes import Language

from predictors.engine import EngineInfo, Message, Prefixed, Prompt
from predictors.translator.examples import Example

# So many examples win; more cost time and the model's context without a better translation.
EXAMPLES = 8
# A tuned model knows the task; a few examples show it that nothing but the translation is wanted.
TUNED_EXAMPLES = 3


class Form(Protocol):
    """stop: texts that end an answer."""

    @property
    def stop(self) -> tuple[str, ...]: ...

    def prompt(self, text: str) -> Prompt:
        """The prompt for a text without a line break."""
        ...


class FewShot:
    """For a base model: a heading, examples, and the beginning of the wanted translation."""

    stop = ("\n",)

    def __init__(self, source: str, target: str, examples: Sequence[Example]) -> None:
        self._names = language_name(source), language_name(target)
        heading = "Translations from {} to {}.\n\n".format(*self._names)
        pairs = (self._pair(e.source, e.target) for e in examples[:EXAMPLES])
        # Every prompt begins with the same text, which an engine reads once and keeps.
        self._beginning = heading + "".join(f"{pair}\n\n" for pair in pairs)

    def prompt(self, text: str) -> Prompt:
        return Prefixed(self._beginning, self._pair(text, "").rstrip())

    def _pair(self, text: str, translation: str) -> str:
        source, target = self._names
        return f"{source}: {text}\n{target}: {translation}"


class Instruction:
    """For a tuned model: the task as the system prompt, examples as turns, the text as the last."""

    stop: tuple[str, ...] = ()

    def __init__(self, source: str, target: str, examples: Sequence[Example]) -> None:
        names = language_name(source), language_name(target)
        task = (
            "You are a translator. Translate each message from {} to {}. "
            "Answer with the translation alone, without quotes or comments."
        ).format(*names)
        turns = [Message("system", task)]
        for example in examples[:TUNED_EXAMPLES]:
            turns += [Message("user", example.source), Message("assistant", example.target)]
        self._turns = tuple(turns)

    def prompt(self, text: str) -> Prompt:
        return (*self._turns, Message("user", text))


class Command:
    """For an encoder-decoder tuned on instructions, such as Flan-T5: the task, then the text.

    The words are those of FLAN's own training templates for translation.
    """

    stop: tuple[str, ...] = ()

    def __init__(self, source: str, target: str) -> None:
        self._task = f"Translate from {language_name(source)} to {language_name(target)}:"

    def prompt(self, text: str) -> Prompt:
        return f"{self._task}\n\n{text}"


def choose_form(source: str, target: str, examples: Sequence[Example], info: EngineInfo) -> Form:
    """The form for a model: one with a chat template is tuned, one without is a base model."""
    if is_base_model(info):
        return FewShot(source, target, examples)
    if info.has_chat_template:
        return Instruction(source, target, examples)
    return Command(source, target)


def is_base_model(info: EngineInfo) -> bool:
    """Whether the model was not tuned to do what it is told."""
    return not info.has_chat_template and not info.is_encoder_decoder


def language_name(code: str) -> str:
    """The English name of a language."""
    return Language.get(code).display_name("en")

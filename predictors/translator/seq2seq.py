"""Strategy `seq2seq`: a model made for translation gets the sentence, and its task's prefix if any.

It generates as its checkpoint says, by beams as a rule. T5's checkpoints name their tasks, each
with the words that ask for it; a T5 without the wanted task is refused, not asked anyhow. A model
of many languages is told from which into which, and refused when it lacks one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from graph.contract import without_control
from graph.errors import EngineError, ModelError
from predictors.engine import Engine, EngineInfo, Prompt, Sampling, Translation
from predictors.translator.codes import choose_code
from predictors.translator.prompting import PromptStrategy

# Families whose models are told what to do in words, unless their checkpoint names tasks.
_TEXT_TO_TEXT = ("t5",)


class Seq2SeqStrategy:
    """Translates sentences with `engine`, which must be loaded before the first call."""

    def __init__(self, engine: Engine, source: str, target: str, max_tokens: int | None) -> None:
        self._engine = engine
        self._pair = source, target
        # Without a maximum of the operator's, the checkpoint's own holds.
        self._sampling = Sampling(max_tokens=max_tokens)

    def check(self) -> None:
        """Raises ModelError for a model that has not been made for this pair of languages."""
        self._form()

    async def translate(self, texts: Sequence[str]) -> list[str]:
        """One translation per sentence. Raises EngineError when the model gives nothing."""
        form = self._form()
        answers = await self._engine.generate([form(text) for text in texts], self._sampling)
        answers = [without_control(answer).strip() for answer in answers]
        if not all(answers):
            raise EngineError(
                f"{self._engine.info.model}: gave no translation of a sentence; "
                "say it in other words"
            )
        return answers

    def _form(self) -> Callable[[str], Prompt]:
        """What makes a sentence the model's prompt."""
        info = self._engine.info
        source, target = self._pair
        if info.languages:
            codes = _code(info, source), _code(info, target)
            return lambda text: Translation(text, *codes)
        prefix = task_prefix(info, source, target)
        if prefix is None:
            raise ModelError(
                f"{info.model}: its checkpoint has no task for {source} to {target}; "
                "use --strategy=prompt or another model"
            )
        return lambda text: prefix + text


class StrategyByModel:
    """`seq2seq` for a model made for translation, `prompt` for one that must be asked."""

    def __init__(self, engine: Engine, seq2seq: Seq2SeqStrategy, prompt: PromptStrategy) -> None:
        self._engine = engine
        self._seq2seq = seq2seq
        self._prompt = prompt

    def check(self) -> None:
        self._strategy().check()

    async def translate(self, texts: Sequence[str]) -> list[str]:
        return await self._strategy().translate(texts)

    def _strategy(self) -> Seq2SeqStrategy | PromptStrategy:
        return self._seq2seq if is_translator(self._engine.info) else self._prompt


def is_translator(info: EngineInfo) -> bool:
    """Whether the model translates without being asked in words of ours."""
    if not info.is_encoder_decoder:
        return False
    has_tasks = any(name.startswith("translation_") for name in info.tasks)
    return has_tasks or info.family not in _TEXT_TO_TEXT


def task_prefix(info: EngineInfo, source: str, target: str) -> str | None:
    """What a text begins with for this pair: nothing for a model of one task, None for no task."""
    if info.family not in _TEXT_TO_TEXT:
        return ""
    return info.tasks.get(f"translation_{source}_to_{target}")


def _code(info: EngineInfo, language: str) -> str:
    code = choose_code(language, info.languages)
    if code is None:
        raise ModelError(
            f"{info.model}: has no language {language}; it has {', '.join(sorted(info.languages))}"
        )
    return code

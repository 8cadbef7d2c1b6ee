"""Strategy `seq2seq`: a model made for translation gets the sentence, and its task's prefix if any.

It generates as its checkpoint says, by beams as a rule. T5's checkpoints name their tasks, each
with the words that ask for it; a T5 without the wanted task is refused, not asked anyhow.
"""

from __future__ import annotations

from collections.abc import Sequence

from graph.contract import without_control
from graph.errors import EngineError
from predictors.engines.base import Engine, EngineInfo, Sampling
from predictors.translator.prompting import PromptStrategy

# Families whose models are told what to do in words, unless their checkpoint names tasks.
_TEXT_TO_TEXT = ("t5",)


class Seq2SeqStrategy:
    """Translates sentences with `engine`, which must be loaded before the first call."""

    def __init__(self, engine: Engine, source: str, target: str, max_tokens: int) -> None:
        self._engine = engine
        self._pair = source, target
        self._sampling = Sampling(max_tokens=max_tokens)

    async def translate(self, texts: Sequence[str]) -> list[str]:
        """One translation per sentence. Raises EngineError when the model gives nothing."""
        prefix = task_prefix(self._engine.info, *self._pair)
        if prefix is None:
            source, target = self._pair
            raise EngineError(
                f"{self._engine.info.model}: its checkpoint has no task for {source} to {target}; "
                "use --strategy=prompt or another model"
            )
        answers = await self._engine.generate([prefix + text for text in texts], self._sampling)
        answers = [without_control(answer).strip() for answer in answers]
        if not all(answers):
            raise EngineError(
                f"{self._engine.info.model}: gave no translation of a sentence; "
                "say it in other words"
            )
        return answers


class StrategyByModel:
    """`seq2seq` for a model made for translation, `prompt` for one that must be asked."""

    def __init__(self, engine: Engine, seq2seq: Seq2SeqStrategy, prompt: PromptStrategy) -> None:
        self._engine = engine
        self._seq2seq = seq2seq
        self._prompt = prompt

    async def translate(self, texts: Sequence[str]) -> list[str]:
        strategy = self._seq2seq if is_translator(self._engine.info) else self._prompt
        return await strategy.translate(texts)


def is_translator(info: EngineInfo) -> bool:
    """Whether the model translates without being asked in words of ours."""
    if info.extra.get("shape") != "encoder-decoder":
        return False
    has_tasks = any(name.startswith("prefix.translation_") for name in info.extra)
    return has_tasks or info.extra.get("family") not in _TEXT_TO_TEXT


def task_prefix(info: EngineInfo, source: str, target: str) -> str | None:
    """What a text begins with for this pair: nothing for a model of one task, None for no task."""
    if info.extra.get("family") not in _TEXT_TO_TEXT:
        return ""
    return info.extra.get(f"prefix.translation_{source}_to_{target}")

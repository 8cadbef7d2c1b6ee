"""Strategy `seq2seq`: a model made for translation gets the sentence, and its task's prefix if any.

It generates as its checkpoint says, by beams as a rule; a doubtful answer is tried once more
greedily and with a penalty on what was said. T5's checkpoints name their tasks, each
with the words that ask for it; a T5 without the wanted task is refused, not asked anyhow. A model
of many languages is told from which into which, and refused when it lacks one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from graph.contract import without_control
from graph.errors import ModelError
from predictors.engine import Engine, EngineInfo, Prompt, Sampling, Translation
from predictors.translator.codes import choose_code
from predictors.translator.prompting import PromptStrategy
from predictors.translator.quality import Judge, Translated, ask_twice

# Beams that failed fail again. Without them, what was said counts less, so that a loop ends.
SECOND_TRY = Sampling(temperature=0.0, num_beams=1, repetition_penalty=1.2)

# Families whose models are told what to do in words, unless their checkpoint names tasks.
_TEXT_TO_TEXT = ("t5",)


class Seq2SeqStrategy:
    """Translates sentences with `engine`, which must be loaded before the first call."""

    def __init__(
        self,
        engine: Engine,
        source: str,
        target: str,
        max_tokens: int | None,
        judge: Judge | None = None,
    ) -> None:
        """judge: None judges everything but the language of an answer."""
        self._engine = engine
        self._judge = judge or Judge(target)
        self._pair = source, target
        # Without a maximum of the operator's, the checkpoint's own holds.
        self._first_try = Sampling(max_tokens=max_tokens)
        self._second_try = replace(SECOND_TRY, max_tokens=max_tokens)

    def check(self) -> None:
        """Raises ModelError for a model that has not been made for this pair of languages."""
        self._form()
        self._judge.load()

    async def translate(self, texts: Sequence[str]) -> list[Translated]:
        """One translation per sentence."""
        return await ask_twice(
            self._judge,
            texts,
            first=lambda asked: self._ask(asked, self._first_try),
            second=lambda asked: self._ask(asked, self._second_try),
        )

    async def _ask(self, texts: Sequence[str], sampling: Sampling) -> list[str]:
        form = self._form()
        answers = await self._engine.generate([form(text) for text in texts], sampling)
        return [without_control(answer).strip() for answer in answers]

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

    async def translate(self, texts: Sequence[str]) -> list[Translated]:
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

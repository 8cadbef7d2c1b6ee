"""Strategy `prompt`: a generating model translates because it is asked to.

A small model may run on, repeat itself, say nothing or give the source back. Each of these is seen,
and such a sentence is tried once more in another way. What it gives then is taken, cut where it
begins to repeat itself; nothing at all is an EngineError.
"""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from graph.contract import without_control
from graph.errors import EngineError, ModelError
from predictors.engine import Engine, Sampling
from predictors.translator.parallel import Example
from predictors.translator.prompts import Form, choose_form

# A translation is seldom twice as long as its source; a short one may be, hence the floor.
CHARACTERS_PER_TOKEN = 2
SHORTEST_BOUND = 24
LONGEST_RATIO = 3.0
SHORT_TEXT = 30
# Greedy decoding that failed fails again, so the second try is sampled, with a fixed seed.
SECOND_TRY = Sampling(temperature=0.5, top_p=0.9, repetition_penalty=1.2, seed=1)

_REPEATED = re.compile(r"(.{2,80}?)\1{3,}", re.DOTALL)
_REPEATED_WORDS = re.compile(r"((?:\S+\s+){4,12}?)\1")
_QUOTES = {'"': '"', "“": "”", "«": "»", "'": "'"}


class PromptStrategy:
    """Translates sentences with `engine`, which must be loaded before the first call."""

    def __init__(
        self,
        engine: Engine,
        source: str,
        target: str,
        examples: Sequence[Example],
        max_tokens: int,
    ) -> None:
        self._engine = engine
        self._pair = source, target
        self._examples = examples
        self._max_tokens = max_tokens

    def check(self) -> None:
        """Raises ModelError for a model that takes codes of languages, not words of ours."""
        info = self._engine.info
        if info.languages:
            raise ModelError(
                f"{info.model}: translates between languages that it is told; "
                "use --strategy=seq2seq"
            )

    async def translate(self, texts: Sequence[str]) -> list[str]:
        """One translation per text. A text holds no line break and at least one letter.

        Raises EngineError when the model gives nothing, twice.
        """
        form = choose_form(*self._pair, self._examples, self._engine.info)
        answers = await self._ask(form, texts, Sampling(temperature=0.0))
        failed = [i for i, text in enumerate(texts) if is_doubtful(text, answers[i])]
        if failed:
            second = await self._ask(form, [texts[i] for i in failed], SECOND_TRY)
            for i, answer in zip(failed, second, strict=True):
                answers[i] = better(texts[i], answers[i], answer)
        if not all(answers):
            raise EngineError(
                f"{self._engine.info.model}: gave no translation of a sentence; "
                "say it in other words"
            )
        return answers

    async def _ask(self, form: Form, texts: Sequence[str], sampling: Sampling) -> list[str]:
        """Answers in order. Texts of like length share an engine call, which has one bound."""
        groups = defaultdict(list)
        for i, text in enumerate(texts):
            groups[self._bound(text)].append(i)
        calls = (
            self._engine.generate(
                [form.prompt(texts[i]) for i in members],
                replace(sampling, max_tokens=bound, stop=form.stop),
            )
            for bound, members in groups.items()
        )
        answers = [""] * len(texts)
        for members, group in zip(groups.values(), await asyncio.gather(*calls), strict=True):
            for i, answer in zip(members, group, strict=True):
                answers[i] = tidy(texts[i], answer)
        return answers

    def _bound(self, text: str) -> int:
        """New tokens at most: by the text's length, in steps of two so that few bounds differ."""
        bound = SHORTEST_BOUND
        while bound < len(text) / CHARACTERS_PER_TOKEN:
            bound *= 2
        return min(bound, self._max_tokens)


def tidy(source: str, answer: str) -> str:
    """The answer without control characters and the quotes that a tuned model puts around it."""
    answer = without_control(answer).strip()
    closing = _QUOTES.get(answer[:1])
    quoted = closing and len(answer) > 1 and answer.endswith(closing)
    if quoted and not source.startswith(answer[0]) and answer.count(answer[0]) <= 2:
        return answer[1:-1].strip()
    return answer


def is_doubtful(source: str, answer: str) -> bool:
    """Whether an answer is empty, far too long, repeats itself, or is the source again."""
    return (
        not answer
        or len(answer) > LONGEST_RATIO * max(len(source), SHORT_TEXT)
        or repeats(answer)
        and not repeats(source)
        or same(source, answer)
        and " " in source.strip()
    )


def better(source: str, first: str, second: str) -> str:
    """The second try where it is sound, else the first, cut where it begins to repeat itself.

    A source that comes back twice is taken: a name, or a text that is in the other language.
    """
    for answer in (second, first):
        if answer and not is_doubtful(source, answer):
            return answer
    return cut_repeats(first or second)


def repeats(text: str) -> bool:
    return bool(_REPEATED.search(text) or _REPEATED_WORDS.search(text))


def cut_repeats(text: str) -> str:
    """The text up to the end of the first of the repeated parts."""
    for pattern in (_REPEATED, _REPEATED_WORDS):
        match = pattern.search(text)
        if match:
            text = text[: match.end(1)].strip()
    return text


def same(source: str, answer: str) -> bool:
    """Equal but for case, spaces and punctuation."""
    one, other = ("".join(filter(str.isalnum, text.casefold())) for text in (source, answer))
    return one == other

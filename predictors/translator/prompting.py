"""Strategy `prompt`: a generating model translates because it is asked to.

A doubtful answer is tried once more by sampling. Of a short text, sentences that the model adds are
cut off. A text that is one of the examples is not given to the model at all.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from graph.contract import PIVOT, without_control
from graph.errors import ModelError
from graph.text.splitting import Splitter
from predictors.engine import GREEDY, Engine, Sampling
from predictors.scheduling.tasks import run_together
from predictors.translator.examples import Example, built_in_languages
from predictors.translator.phrases import PhraseBook
from predictors.translator.prompts import Form, choose_form, is_base_model, language_name
from predictors.translator.quality import SHORT_TEXT, Judge, Translated, ask_twice

# For a model whose checkpoint states no maximum.
MAX_TOKENS = 256
# A translation is seldom twice as long as its source; a short one may be, hence the floor.
CHARACTERS_PER_TOKEN = 2
SHORTEST_BOUND = 24
# Greedy decoding that failed fails again, so the second try is sampled, with a fixed seed.
SECOND_TRY = Sampling(temperature=0.5, top_p=0.9, repetition_penalty=1.2, seed=1)

_SPACED_MARK = re.compile(r"(?<!\s)\s++([!?])(?=\s|$)")
_QUOTES = {'"': '"', "“": "”", "«": "»", "'": "'"}


class PromptStrategy:
    """Translates sentences with `engine`, which must be loaded before the first call."""

    def __init__(
        self,
        engine: Engine,
        source: str,
        target: str,
        examples: Sequence[Example],
        max_tokens: int | None,
        judge: Judge | None = None,
    ) -> None:
        """judge: None judges everything but the language of an answer."""
        self._engine = engine
        self._judge = judge or Judge(target)
        self._pair = source, target
        self._examples = examples
        self._max_tokens = max_tokens
        self._phrases = PhraseBook(examples)
        self._source_splitter = Splitter(source)
        self._target_splitter = Splitter(target)

    def check(self) -> None:
        """Raises ModelError for a model that cannot be asked in words for this pair.

        Such are a model that takes codes of languages, and a base model without examples, which
        would invent.
        """
        info = self._engine.info
        if info.languages:
            raise ModelError(
                f"{info.model}: translates between languages that it is told; "
                "use --strategy=seq2seq"
            )
        if is_base_model(info) and not self._examples:
            lacking = next(code for code in self._pair if code != PIVOT)
            there = ", ".join(built_in_languages())
            raise ModelError(
                f"{info.model}: a base model translates by example, and there are none for "
                f"{language_name(lacking)} ({lacking}); choose from {there}, "
                f"add {lacking}.tsv to a folder that --examples names, or choose another --model"
            )
        self._judge.load()

    async def translate(self, texts: Sequence[str]) -> list[Translated]:
        """One translation per text. A text holds no line break and at least one letter."""
        known = {text: self._phrases.translate(text) for text in texts}
        unknown = [text for text in texts if known[text] is None]
        answers = iter(await self._generate(unknown) if unknown else [])
        return [Translated(phrase) if (phrase := known[t]) else next(answers) for t in texts]

    async def _generate(self, texts: Sequence[str]) -> list[Translated]:
        form = choose_form(*self._pair, self._examples, self._engine.info)
        return await ask_twice(
            self._judge,
            texts,
            first=lambda asked: self._ask(form, asked, GREEDY),
            second=lambda asked: self._ask(form, asked, SECOND_TRY),
        )

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
        for members, group in zip(groups.values(), await run_together(calls), strict=True):
            for i, answer in zip(members, group, strict=True):
                answers[i] = self._cut_additions(texts[i], self._tidy(texts[i], answer))
        return answers

    def _tidy(self, text: str, answer: str) -> str:
        answer = tidy(text, answer)
        # French alone has a space before these marks, which a small model carries over.
        return answer if self._pair[1] == "fr" else _SPACED_MARK.sub(r"\1", answer)

    def _cut_additions(self, text: str, answer: str) -> str:
        """The answer without what a short text did not say: sentences after as many as it has.

        "Good morning!" has come back as "Bonjour ! Tu as bien dormi ?".
        """
        if len(text) > SHORT_TEXT:
            return answer
        said = sum(piece.translate for piece in self._source_splitter.split(text))
        kept = ""
        for piece in self._target_splitter.split(answer):
            # The splitter takes the abbreviation in "17 h. du soir" for an end.
            if piece.translate and said <= 0 and not piece.text[0].islower():
                break
            said -= piece.translate
            kept += piece.text
        return kept.strip()

    def _bound(self, text: str) -> int:
        """New tokens at most: by the text's length, in steps of two so that few bounds differ."""
        bound = SHORTEST_BOUND
        while bound < len(text) / CHARACTERS_PER_TOKEN:
            bound *= 2
        most = self._max_tokens or self._engine.info.max_new_tokens or MAX_TOKENS
        return min(bound, most)


def tidy(source: str, answer: str) -> str:
    """The answer without control characters and the quotes that a tuned model puts around it."""
    answer = without_control(answer).strip()
    closing = _QUOTES.get(answer[:1])
    quoted = closing and len(answer) > 1 and answer.endswith(closing)
    if quoted and not source.startswith(answer[0]) and answer.count(answer[0]) <= 2:
        return answer[1:-1].strip()
    return answer

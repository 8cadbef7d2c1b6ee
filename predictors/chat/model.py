"""Answers in English: one reply to each instance's message, with its history in mind.

It reads `user_input_en` (or `user_input`, taken as English, when it is called alone) and `history`;
it writes `response_en`, the grown `history`, and `response` where no translator follows.
"""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import replace

from graph import contract
from graph.contract import Instance
from graph.errors import EngineError, ModelError, TooLarge
from predictors.chat.families import DoesNotFit, Family
from predictors.engine import Engine, Prompt, Sampling

_SENTENCE_END = re.compile(r"[.!?…][\"')\]]*(?=\s|$)")


class Chat:
    """A chat model behind the turn's contract."""

    schema = contract.INNER

    def __init__(self, name: str, engine: Engine, family: Family, sampling: Sampling) -> None:
        if sampling.max_tokens is None:
            raise ValueError("sampling.max_tokens: a chat needs a limit")
        self.name = name
        self._engine = engine
        self._family = family
        self._sampling = sampling
        self._max_tokens = sampling.max_tokens

    def load(self) -> None:
        """Raises ModelError when the answer's tokens leave no room for a question.

        An encoder-decoder's answer has positions of its own.
        """
        self._engine.load()
        info = self._engine.info
        if not info.is_encoder_decoder and self._max_tokens >= info.context:
            raise ModelError(
                f"{info.model}: its context is {info.context} tokens; lower --max_tokens, now "
                f"{self._max_tokens}, or raise --context"
            )

    def close(self) -> None:
        self._engine.close()

    async def predict(self, instances: list[Instance]) -> list[Instance]:
        started = time.perf_counter()
        for i, instance in enumerate(instances):
            contract.require_english(instance, i)
        prompts = await asyncio.gather(
            *(self._prompt(instance, i) for i, instance in enumerate(instances))
        )
        sampling = self._family.sampling(self._engine, self._sampling)
        answers = await self._engine.generate(prompts, sampling)
        answers = list(await asyncio.gather(*map(self._finish, prompts, answers)))
        seconds = time.perf_counter() - started
        return [
            self._answered(instance, answer, seconds)
            for instance, answer in zip(instances, answers, strict=True)
        ]

    async def _prompt(self, instance: Instance, index: int) -> Prompt:
        history = instance.get(contract.HISTORY, [])
        try:
            return await self._family.prompt(
                self._engine, history, _message(instance), self._max_tokens
            )
        except DoesNotFit as err:
            field = f"instances[{index}].{contract.USER_INPUT}"
            raise TooLarge(field, f"{err}; send a shorter message") from err

    async def _finish(self, prompt: Prompt, answer: str) -> str:
        """The answer as a person should see it: never empty, and no half sentence at its end."""
        answer = _readable(answer)
        if not answer:
            # A greedy model that ends at once ends at once again, so the second try is sampled.
            second_try = replace(self._sampling, temperature=0.7, seed=self._sampling.seed or 0)
            [answer] = await self._engine.generate([prompt], second_try)
            answer = _readable(answer)
        if not answer:
            raise EngineError(f"{self.name}: the model gave no answer; say it in other words")
        if await self._engine.count_tokens(answer) >= self._max_tokens:
            return whole_sentences(answer)
        return answer

    def _answered(self, instance: Instance, answer: str, seconds: float) -> Instance:
        message = _message(instance)
        history = [*instance.get(contract.HISTORY, []), message, answer]
        answered = {
            **instance,
            contract.USER_INPUT_EN: message,
            contract.RESPONSE_EN: answer,
            contract.HISTORY: history,
        }
        if instance.get(contract.LANGUAGE, contract.PIVOT) == contract.PIVOT:
            answered[contract.RESPONSE] = answer
        contract.add_step(answered, self.name, self._engine.info.model, seconds)
        return answered


def _readable(text: str) -> str:
    """A model's text without what no later step would take, and no longer than it would."""
    text = contract.without_control(text).strip()
    longest = contract.INNER_LIMITS.answer
    return text if len(text) <= longest else whole_sentences(text[:longest])


def whole_sentences(text: str) -> str:
    """The text up to its last sentence end; all of it where none is found."""
    ends = [match.end() for match in _SENTENCE_END.finditer(text)]
    return text[: ends[-1]] if ends else text


def _message(instance: Instance) -> str:
    message = instance.get(contract.USER_INPUT_EN) or instance[contract.USER_INPUT]
    return str(message)

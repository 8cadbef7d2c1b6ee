"""Answers in English: one reply to each instance's message, with its history in mind.

It reads `user_input_en` (or `user_input`, taken as English, when it is called alone) and `history`;
it writes `response_en`, the grown `history`, and `response` where no translator follows.

A model that speaks other languages too is asked in them: such a message needs no translator, and
the answer, in that language, stands in `response_en` and `response` alike.

Nothing is passed off as the model's answer: where the model says nothing twice, or the message has
no translation, the answer is left empty and `degraded` says so. It also tells a history that was
cut to fit the model's context.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace

from graph import contract
from graph.completions.answers import Usage
from graph.completions.request import AnswerOptions
from graph.contract import Instance
from graph.errors import ModelError, TooLarge
from graph.turn.answers import Finish, GrowingAnswer, readable, whole_sentences
from graph.turn.degradation import Reason
from predictors.chat.prompt import DoesNotFit, Fitted, PromptFormat, Said
from predictors.door.health import Health, health_of
from predictors.engine import Engine, Prompt, Sampling, text_in_parts
from predictors.predictor import Put, Written
from predictors.scheduling.cost import Cost, tokens
from predictors.scheduling.request import current_request
from predictors.scheduling.tasks import run_together

_NO_OPTIONS = AnswerOptions()


class Chat:
    """A chat model behind the turn's contract."""

    schema = contract.INNER

    def __init__(
        self,
        name: str,
        engine: Engine,
        prompt_format: PromptFormat,
        sampling: Sampling,
        languages: Sequence[str] = (contract.PIVOT,),
    ) -> None:
        """What `sampling` leaves open is the format's business, or the checkpoint's.

        languages: those in which the model itself is spoken to.
        """
        self.name = name
        self._engine = engine
        self._format = prompt_format
        self._wanted = sampling
        self._languages = tuple(languages)

    def load(self) -> None:
        """Raises ModelError for a model that cannot chat, or whose answer leaves no room.

        An encoder-decoder's answer has positions of its own.
        """
        self._engine.load()
        info = self._engine.info
        self._format.check(info)
        max_tokens = self._answer_tokens(self._sampling())
        if not info.is_encoder_decoder and max_tokens >= info.context:
            raise ModelError(
                f"{info.model}: its context is {info.context} tokens; lower --max_tokens, now "
                f"{max_tokens}, or raise --context"
            )

    def close(self) -> None:
        self._engine.close()

    @property
    def health(self) -> Health:
        return health_of(self._engine)

    @property
    def served_languages(self) -> Sequence[str]:
        return self._languages

    async def predict(self, instances: list[Instance]) -> list[Instance]:
        started = time.perf_counter()
        mine = [i for i, instance in enumerate(instances) if not _untranslated(instance)]
        for i in mine:
            contract.require_english(instances[i], i, self._languages)
        sampling = self._sampling()
        fitted = await run_together(self._prompt(instances[i], i, sampling) for i in mine)
        prompts = [each.prompt for each in fitted]
        answers = await self._engine.generate(prompts, sampling) if mine else []
        answers = await run_together(map(self._finish, prompts, answers))
        seconds = time.perf_counter() - started
        # What has no English cannot be answered, but its turn goes on as a turn.
        predictions = [_unanswered(instance) for instance in instances]
        for i, fit, answer in zip(mine, fitted, answers, strict=True):
            predictions[i] = self._answered(instances[i], fit, answer, seconds)
        return predictions

    async def write(self, instance: Instance, options: AnswerOptions, put: Put) -> Written:
        started = time.perf_counter()
        if _untranslated(instance):
            return Written(_unanswered(instance), Finish.STOP, Usage())
        contract.require_english(instance, 0, self._languages)
        sampling = self._sampling(options)
        fit = await self._prompt(instance, 0, sampling, options.system)
        answer = GrowingAnswer(self.schema.limits)
        for each in (sampling, _second_try(sampling)):
            async with aclosing(text_in_parts(self._engine, fit.prompt, each)) as parts:
                async for part in parts:
                    if said := answer.feed(part):
                        await put(said)
                    if answer.is_full:
                        break
            if answer.text:
                break
        count = self._engine.count_tokens
        usage = Usage(await count(fit.prompt), await count(answer.text) if answer.text else 0)
        current_request().spent.count_untold(usage.prompt_tokens, usage.completion_tokens)
        is_cut = answer.is_full or usage.completion_tokens >= self._answer_tokens(sampling)
        text = whole_sentences(answer.text) if is_cut else answer.text
        turn = self._answered(instance, fit, text, time.perf_counter() - started)
        return Written(turn, Finish.LENGTH if is_cut else Finish.STOP, usage)

    def cost(self, instances: list[Instance]) -> Cost:
        context, written = self._engine.info.context, self._answer_tokens(self._sampling())
        said = [[*i.get(contract.HISTORY, ()), _message(i)] for i in instances]
        read = [min(context, sum(map(tokens, texts))) for texts in said]
        return Cost(len(read), sum(read), len(read) * min(written, context))

    async def _prompt(
        self, instance: Instance, index: int, sampling: Sampling, system: str = ""
    ) -> Fitted:
        said = Said(instance.get(contract.HISTORY, []), _message(instance), system)
        try:
            return await self._format.prompt(self._engine, said, self._answer_tokens(sampling))
        except DoesNotFit as err:
            field = f"instances[{index}].{contract.USER_INPUT}"
            raise TooLarge(field, f"{err}; send a shorter message") from err

    async def _finish(self, prompt: Prompt, answer: str) -> str:
        """The answer as a person should see it, without half a sentence at its end.

        It is empty where the model gave nothing, twice.
        """
        sampling = self._sampling()
        answer = readable(answer)
        if not answer:
            [answer] = await self._engine.generate([prompt], _second_try(sampling))
            answer = readable(answer)
        if not answer:
            return ""
        if await self._engine.count_tokens(answer) >= self._answer_tokens(sampling):
            return whole_sentences(answer)
        return answer

    def _sampling(self, options: AnswerOptions = _NO_OPTIONS) -> Sampling:
        """The operator's, with what a request asks over it. It may only ask for fewer tokens."""
        sampling = self._format.sampling(self._engine.info, self._wanted)
        most = self._answer_tokens(sampling)
        tokens, temperature = options.max_tokens, options.temperature
        return replace(
            sampling,
            max_tokens=sampling.max_tokens if tokens is None else min(tokens, most),
            temperature=sampling.temperature if temperature is None else temperature,
            top_p=sampling.top_p if options.top_p is None else options.top_p,
            seed=sampling.seed if options.seed is None else options.seed,
            stop=options.stop or sampling.stop,
        )

    def _answer_tokens(self, sampling: Sampling) -> int:
        """New tokens of an answer at most: as the options say, else as the checkpoint says."""
        most = sampling.max_tokens or self._engine.info.max_new_tokens
        return most or self._engine.info.context

    def _answered(self, instance: Instance, fit: Fitted, answer: str, seconds: float) -> Instance:
        message = _message(instance)
        turn = {**instance, contract.USER_INPUT_EN: message}
        if fit.dropped:
            contract.add_degradation(turn, self.name, Reason.HISTORY_CUT)
        if answer:
            turn[contract.RESPONSE_EN] = answer
            turn[contract.HISTORY] = [*instance.get(contract.HISTORY, []), message, answer]
            if instance.get(contract.LANGUAGE, contract.PIVOT) in self._languages:
                turn[contract.RESPONSE] = answer
        else:
            contract.add_degradation(turn, self.name, Reason.NO_ANSWER)
            turn = _unanswered(turn)
        contract.add_step(turn, self.name, self._engine.info.model, seconds)
        return turn


def _second_try(sampling: Sampling) -> Sampling:
    """A greedy model that ends at once ends at once again, so the second try is sampled."""
    return replace(sampling, temperature=0.7, seed=sampling.seed or 0)


def _untranslated(instance: Instance) -> bool:
    """Whether a translator had nothing to give for the message, and said so."""
    return contract.gave_nothing(instance, contract.USER_INPUT_EN)


def _unanswered(instance: Instance) -> Instance:
    """The turn with an empty answer, and a history that does not hold the message."""
    return {
        **instance,
        contract.RESPONSE_EN: "",
        contract.RESPONSE: "",
        contract.HISTORY: instance.get(contract.HISTORY, []),
    }


def _message(instance: Instance) -> str:
    message = instance.get(contract.USER_INPUT_EN) or instance[contract.USER_INPUT]
    return str(message)

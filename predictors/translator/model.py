"""Translates one field of the turn into another, for one pair of languages or for several.

One side of every pair is English. An instance in a language that is not served goes through
unchanged, so several translators can stand in one branch. The pairs share one engine, and what a
request holds in several languages is translated side by side.

What could not be translated from English stays English, and the turn says so in `degraded`, unless
the operator wants an error. The source of a text that was to become English never takes its place.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from graph import contract
from graph.contract import Instance
from graph.errors import EngineError, ModelError, ParleyError, RequestError
from graph.turn.degradation import Reason, reason_of
from predictors.door.health import Health, health_of
from predictors.engine import Engine
from predictors.scheduling.cost import Cost, cost_of_translations
from predictors.scheduling.tasks import run_together
from predictors.translator.pair import PairTranslator
from predictors.translator.quality import Translated

log = logging.getLogger(__name__)

Outcome = Translated | ParleyError


@dataclass(frozen=True)
class _Task:
    """What is due for one instance of a request."""

    index: int
    text: str


class Translator:
    """A translation model behind the turn's contract.

    translators: one per pair. Where two are for turns of the same language, the later one is for
    the later step of a turn: it is due as soon as the field that it reads is there.
    """

    schema = contract.INNER

    def __init__(self, name: str, engine: Engine, translators: Sequence[PairTranslator]) -> None:
        self.name = name
        self._engine = engine
        self._translators = translators
        self._languages = tuple(dict.fromkeys(t.pair.language for t in translators))

    def load(self) -> None:
        """Raises ModelError, also for a model that lacks any of the pairs of languages."""
        self._engine.load()
        self._check()

    def close(self) -> None:
        self._engine.close()

    @property
    def health(self) -> Health:
        return health_of(self._engine)

    async def predict(self, instances: list[Instance]) -> list[Instance]:
        started = time.perf_counter()
        work = self._sort(instances)
        outcomes = await run_together(
            translate_each(each, [task.text for task in tasks]) for each, tasks in work.items()
        )
        seconds = time.perf_counter() - started
        predictions = self._without_work(instances)
        for (translator, tasks), found in zip(work.items(), outcomes, strict=True):
            for task, outcome in zip(tasks, found, strict=True):
                prediction = predictions[task.index]
                self._write(prediction, translator, task, outcome)
                contract.add_step(prediction, self.name, self._engine.info.model, seconds)
        return predictions

    @property
    def served_languages(self) -> Sequence[str]:
        return self._languages

    @property
    def degrades(self) -> bool:
        return any(translator.degrades for translator in self._translators)

    def degrade(self, instances: list[Instance], error: ParleyError) -> list[Instance] | None:
        """The turns with their English in the place of a translation, where that may be."""
        work = self._sort(instances)
        if not all(translator.degrades for translator in work):
            return None
        predictions = self._without_work(instances)
        for translator, tasks in work.items():
            for task in tasks:
                self._write(predictions[task.index], translator, task, error)
        return predictions

    def _write(
        self, prediction: Instance, translator: PairTranslator, task: _Task, outcome: Outcome
    ) -> None:
        """Put a translation, or the English that has none, where it belongs. Raises the error."""
        if isinstance(outcome, Translated):
            prediction[translator.pair.writes] = outcome.text
            reason = Reason.QUALITY if outcome.poor else None
        elif translator.degrades:
            prediction[translator.pair.writes] = task.text
            reason = reason_of(outcome)
        else:
            raise outcome
        if reason:
            contract.add_degradation(prediction, self.name, reason)

    def _without_work(self, instances: Sequence[Instance]) -> list[Instance]:
        """Copies. Where an earlier step had nothing to give, there is nothing here either."""
        predictions = [dict(instance) for instance in instances]
        for i, prediction in enumerate(predictions):
            translator = self._choose(prediction, i)
            if translator and contract.gave_nothing(prediction, translator.pair.reads):
                prediction.setdefault(translator.pair.writes, "")
        return predictions

    def cost(self, instances: list[Instance]) -> Cost:
        """Raises RequestError, as `predict` would."""
        work = self._sort(instances)
        return cost_of_translations(task.text for tasks in work.values() for task in tasks)

    def _sort(self, instances: Sequence[Instance]) -> dict[PairTranslator, list[_Task]]:
        """What each pair has to do. Raises RequestError."""
        work: defaultdict[PairTranslator, list[_Task]] = defaultdict(list)
        for i, instance in enumerate(instances):
            translator = self._choose(instance, i)
            if translator is None:
                continue
            if not contract.gave_nothing(instance, translator.pair.reads):
                text = contract.require_text(instance, translator.pair.reads, i)
                work[translator].append(_Task(i, text))
        return work

    def _choose(self, instance: Instance, index: int) -> PairTranslator | None:
        """The pair that an instance is for; None for a language that is not served."""
        language = self._language(instance, index)
        fitting = [t for t in self._translators if t.pair.language == language]
        there = [t for t in fitting if t.pair.reads in instance]
        return next(reversed(there or fitting), None)

    def _language(self, instance: Instance, index: int) -> str:
        """The turn's language. An instance without one is for whoever serves only one."""
        language = instance.get(contract.LANGUAGE)
        if language is not None:
            return str(language)
        if len(self._languages) > 1:
            raise RequestError(
                f"instances[{index}].{contract.LANGUAGE}",
                f"missing; this translator serves {', '.join(self._languages)} and must be told "
                "which one",
            )
        return self._languages[0]

    def _check(self) -> None:
        """Raises ModelError: one line, however many pairs the model lacks."""
        refused: dict[str, ModelError] = {}
        for translator in self._translators:
            try:
                translator.check()
            except ModelError as err:
                refused.setdefault(translator.pair.language, err)
        if not refused:
            return
        first, *others = refused
        also = f"; nor can it serve {', '.join(others)}" if others else ""
        raise ModelError(f"{refused[first]}{also}") from refused[first]


async def translate_each(translator: PairTranslator, texts: Sequence[str]) -> list[Outcome]:
    """The texts together; after a failure in halves, so that one bad text fails alone."""
    try:
        return list(await translator.translate(texts))
    except EngineError as err:
        if len(texts) == 1:
            pair = translator.pair
            cause = err.__cause__
            log.warning("%s to %s: %s", pair.source, pair.target, err, exc_info=cause)
            return [err]
    middle = len(texts) // 2
    return [
        *await translate_each(translator, texts[:middle]),
        *await translate_each(translator, texts[middle:]),
    ]

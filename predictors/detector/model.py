"""The detector: the first step of the graph, which says what language each turn is in.

It takes what a person may send and no other field. It sets the language, how sure it is, and the
route that the graph's Switch takes. It translates nothing and refuses what is not served.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from importlib.metadata import version

from graph import contract
from graph.asgi import aside
from graph.contract import Instance
from graph.errors import NotReady, RequestError
from predictors.detector.message import MAX_CHARACTERS
from predictors.detector.recogniser import Guess, Recogniser

_DIGITS = 3
# So many characters take about a millisecond.
_SHORT = 600


class Detector:
    """Serves `languages` (ISO 639-1); `default` is taken where nothing tells the language."""

    schema = contract.PUBLIC

    def __init__(self, name: str, languages: Sequence[str], default: str) -> None:
        self.name = name
        self.languages = tuple(languages)
        self._default = default
        self._model = f"lingua-{version('lingua-language-detector')}"
        self._recogniser: Recogniser | None = None

    @property
    def served_languages(self) -> Sequence[str]:
        return self.languages

    def load(self) -> None:
        self._recogniser = Recogniser(self.languages, self._default)

    def close(self) -> None:
        self._recogniser = None

    async def predict(self, instances: list[Instance]) -> list[Instance]:
        """Each instance with language, confidence, route, and `user_input_en` where it is English.

        A batch of several languages has the route `mixed` throughout: the graph's Switch chooses
        one branch for the whole batch. The step's seconds are the batch's. Raises RequestError for
        a language that is not served.
        """
        if self._recogniser is None:
            raise NotReady(f"{self.name}: the model is not ready")
        started = time.perf_counter()
        for i, instance in enumerate(instances):
            self._check_served(instance, contract.LANGUAGE, i)
            self._check_served(instance, contract.PREVIOUS_LANGUAGE, i)
        recogniser = self._recogniser
        guesses = await aside(
            sum(map(_size, instances)), lambda: _recognise_all(recogniser, instances), _SHORT
        )
        route = _route([guess.language for guess in guesses])
        seconds = time.perf_counter() - started
        return [
            self._predict_one(instance, guess, route, seconds)
            for instance, guess in zip(instances, guesses, strict=True)
        ]

    def _predict_one(
        self, instance: Instance, guess: Guess, route: str, seconds: float
    ) -> Instance:
        prediction = {
            **instance,
            contract.LANGUAGE: guess.language,
            contract.LANGUAGE_CONFIDENCE: round(guess.confidence, _DIGITS),
            contract.ROUTE: route,
        }
        if guess.language == contract.PIVOT:
            prediction[contract.USER_INPUT_EN] = instance[contract.USER_INPUT]
        contract.add_step(prediction, self.name, self._model, seconds)
        return prediction

    def _check_served(self, instance: Instance, field: str, index: int) -> None:
        language = instance.get(field)
        if language is not None and language not in self.languages:
            served = ", ".join(self.languages)
            raise RequestError(
                f"instances[{index}].{field}", f"{language!r} is not served; served are {served}"
            )


def _size(instance: Instance) -> int:
    """Characters that are looked at: none where the language is chosen."""
    if contract.LANGUAGE in instance:
        return 0
    return min(len(instance[contract.USER_INPUT]), MAX_CHARACTERS)


def _recognise_all(recogniser: Recogniser, instances: Sequence[Instance]) -> list[Guess]:
    return [_recognise(recogniser, instance) for instance in instances]


def _recognise(recogniser: Recogniser, instance: Instance) -> Guess:
    chosen = instance.get(contract.LANGUAGE)
    if chosen is not None:
        return Guess(chosen, 1.0)
    text = contract.require_text(instance, contract.USER_INPUT, 0)
    return recogniser.recognise(text, instance.get(contract.PREVIOUS_LANGUAGE))


def _route(languages: Sequence[str]) -> str:
    return languages[0] if len(set(languages)) == 1 else contract.MIXED

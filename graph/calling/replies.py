"""What a graph answered, typed and checked: whoever served it may be anybody.

It reads dictionaries and needs the standard library only, so that it costs nothing to import.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graph import contract
from graph.calling import views
from graph.calling.steps import Degradation, TurnStep
from graph.errors import RequestError, StepError

# A newer server may have more reasons than the contract of this client.
_CHECKED = frozenset(contract.ALL_FIELDS) - {contract.DEGRADED}


@dataclass(frozen=True)
class Reply:
    """One answered turn. `prediction` is the instance exactly as the graph returned it.

    language: that of the message and of the response; English where a chat was asked alone, without
    a detector before it.
    degraded: what the turn lacks. A text that a step had nothing for is empty; without `response`
    there is no answer, and the history does not hold the message. A notebook shows a reply with a
    bar for each step, and so does `rich.print`.
    """

    response: str
    language: str
    history: list[str]
    user_input: str
    user_input_en: str
    response_en: str
    language_confidence: float
    steps: tuple[TurnStep, ...]
    degraded: tuple[Degradation, ...]
    request_id: str
    prediction: Mapping[str, Any] = field(repr=False)

    def _repr_html_(self) -> str:
        return views.turn_as_html(self.said, self.steps, self._notes())

    def __rich__(self) -> Any:
        return views.turn_for_terminal(self.said, self.steps, self._notes())

    @property
    def said(self) -> views.Said:
        """The texts of the turn."""
        texts = (self.user_input, self.user_input_en, self.response, self.response_en)
        return views.Said(self.language, *texts)

    def _notes(self) -> list[str]:
        return [str(entry) for entry in self.degraded]


def read_reply(prediction: Mapping[str, Any]) -> Reply:
    """A typed reply. Raises StepError when the answer is not of the contract."""
    check_answer(prediction)
    try:
        return Reply(
            response=prediction[contract.RESPONSE],
            language=prediction.get(contract.LANGUAGE, contract.PIVOT),
            history=list(prediction[contract.HISTORY]),
            user_input=prediction[contract.USER_INPUT],
            user_input_en=prediction[contract.USER_INPUT_EN],
            response_en=prediction[contract.RESPONSE_EN],
            language_confidence=prediction.get(contract.LANGUAGE_CONFIDENCE, 1.0),
            steps=tuple(TurnStep(**step) for step in prediction[contract.STEPS]),
            degraded=read_degraded(prediction),
            request_id=prediction.get(contract.REQUEST_ID, ""),
            prediction=prediction,
        )
    except KeyError as err:
        raise StepError(f"the answer is not a turn of Parley's: {err} is missing") from err


def read_degraded(prediction: Mapping[str, Any]) -> tuple[Degradation, ...]:
    """What a turn lacks. Raises StepError where that is not of the contract."""
    entries = prediction.get(contract.DEGRADED, [])
    texts = {(str, str)}
    try:
        found = tuple((entry["step"], entry["reason"]) for entry in entries)
        if not texts.issuperset(tuple(map(type, pair)) for pair in found):
            raise TypeError("a step or a reason that is no text")
    except (KeyError, TypeError) as err:
        raise StepError(f"{contract.DEGRADED} of the answer is not of Parley's: {err}") from err
    return tuple(Degradation(*pair) for pair in found)


def check_answer(prediction: Mapping[str, Any]) -> None:
    """Raises StepError where a field is not what the contract says; those it does not know pass."""
    known = {name: value for name, value in prediction.items() if name in _CHECKED}
    try:
        contract.check_predictions([known])
    except RequestError as err:
        raise StepError(f"the answer is not a turn of Parley's: {err}") from err

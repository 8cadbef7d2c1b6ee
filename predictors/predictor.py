"""What a predictor is: the one extension point.

`serving.py` serves it, `handler.py` guards it, and its own `__main__.py` reads its options.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from graph.completions.answers import Usage
from graph.completions.request import AnswerOptions
from graph.contract import Instance, Schema
from graph.errors import ParleyError
from graph.turn.answers import Finish

# Takes a part of an answer; it returns when whoever reads the answer has room for more.
Put = Callable[[str], Awaitable[None]]


class Predictor(Protocol):
    """`load` may block and runs once, off the event loop.

    name: the model's name in the URL.  schema: the keys that an instance may have here, and the
    sizes of a request; the handler refuses everything else before `predict` sees it.
    """

    name: str
    schema: Schema

    def load(self) -> None: ...

    def close(self) -> None: ...

    async def predict(self, instances: list[Instance]) -> list[Instance]:
        """One prediction per instance, in order: the instance itself with fields added.

        Raises RequestError for what only this predictor can know to be wrong, and EngineError,
        Overloaded, NotReady.
        """
        ...


@runtime_checkable
class Degrading(Protocol):
    """What a predictor has besides, if it can pass turns on without having done its part.

    degrades: whether there are such turns; then it is stopped in time to pass them on.
    """

    @property
    def degrades(self) -> bool: ...

    def degrade(self, instances: list[Instance], error: ParleyError) -> list[Instance] | None:
        """Predictions without the model's work, each of which says in `degraded` what it lacks.

        None where the request must fail with `error`. It is called in the place of `predict`, or
        after it failed, and whether or not the model is loaded; it must not take long. Raises
        RequestError.
        """
        ...


@runtime_checkable
class Multilingual(Protocol):
    """What a predictor has besides, if it works for turns of some languages."""

    @property
    def served_languages(self) -> Sequence[str]: ...


@dataclass(frozen=True)
class Written:
    """An answer that was put part by part: its turn, as `predict` would have given it, and its end.

    `response_en` is the parts joined, or without the half sentence of an answer that was cut off.
    """

    prediction: Instance
    finish: Finish
    usage: Usage


@runtime_checkable
class Writing(Protocol):
    """What a predictor has besides, if it can give an answer while it is being written."""

    async def write(self, instance: Instance, options: AnswerOptions, put: Put) -> Written:
        """Raises what `predict` raises, before the first part or after any."""
        ...

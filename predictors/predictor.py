"""What a predictor is: the one extension point.

Its server is in `serving.py`, what guards it in `handler.py`, its options in its own `__main__.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from graph.contract import Instance


class Predictor(Protocol):
    """`load` may block and runs once, off the event loop.

    name: the model's name in the URL.  fields: the keys that an instance may have here; the handler
    refuses every other one before `predict` sees it.
    """

    name: str
    fields: Sequence[str]

    def load(self) -> None: ...

    def close(self) -> None: ...

    async def predict(self, instances: list[Instance]) -> list[Instance]:
        """One prediction per instance, in order: the instance itself with fields added.

        Raises RequestError for what only this predictor can know to be wrong, and EngineError,
        Overloaded, NotReady.
        """
        ...

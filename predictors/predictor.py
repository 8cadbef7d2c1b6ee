"""What a predictor is: the one extension point.

`serving.py` serves it, `handler.py` guards it, and its own `__main__.py` reads its options.
"""

from __future__ import annotations

from typing import Protocol

from graph.contract import Instance, Schema


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

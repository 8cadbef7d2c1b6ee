"""What a predictor is: the one extension point.

Its server is in `serving.py`, its options in its own `__main__.py`.
"""

from __future__ import annotations

from typing import Protocol

from graph.contract import Instance


class Predictor(Protocol):
    """`load` may block and runs once, off the event loop."""

    name: str

    def load(self) -> None: ...

    def close(self) -> None: ...

    async def predict(self, instances: list[Instance]) -> list[Instance]:
        """One prediction per instance: the instance itself with fields added."""
        ...

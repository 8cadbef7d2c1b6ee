"""One predictor to await, for a function of one's own that decides who is called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graph.client import AsyncChatClient


@dataclass(frozen=True)
class Handle:
    """A predictor by its name: `turn = await detect({"user_input": "Bonjour"})`."""

    client: AsyncChatClient
    name: str

    async def __call__(self, instance: Mapping[str, Any]) -> dict[str, Any]:
        """The instance with the predictor's own fields added. Raises what the client raises."""
        [prediction] = await self.client.predict(self.name, [instance])
        return prediction

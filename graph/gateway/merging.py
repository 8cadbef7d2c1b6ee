"""The steps of a turn and what it lacks, gathered from the parts in which it was made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graph import contract
from graph.contract import Instance


@dataclass
class Notes:
    """steps: by name and model, with their seconds.  degraded: each entry once."""

    steps: dict[tuple[str, str], float] = field(default_factory=dict)
    degraded: list[dict[str, str]] = field(default_factory=list)
    _until: dict[tuple[str, str], float] = field(default_factory=dict)

    def add(self, turn: Mapping[str, Any], now: float | None = None) -> None:
        """What a turn, or a part of one, says of itself. The seconds of one step add up.

        now: the time in seconds, for parts that were under way side by side; what overlaps then
        counts once, so that a step never took longer than it lasted.
        """
        for step in turn.get(contract.STEPS, ()):
            key = str(step["name"]), str(step["model"])
            seconds = float(step["seconds"])
            if now is not None:
                seconds = min(seconds, now - self._until.get(key, now - seconds))
                self._until[key] = now
            self.steps[key] = self.steps.get(key, 0.0) + seconds
        for entry in turn.get(contract.DEGRADED, ()):
            if entry not in self.degraded:
                self.degraded.append(entry)

    def merge(self, other: Notes) -> None:
        self.add(other.as_turn())

    def as_turn(self) -> Instance:
        """The two fields of a turn; `degraded` only where something lacks."""
        steps = [
            {"name": name, "model": model, "seconds": round(seconds, 3)}
            for (name, model), seconds in self.steps.items()
        ]
        found: Instance = {contract.STEPS: steps}
        return found | ({contract.DEGRADED: self.degraded} if self.degraded else {})

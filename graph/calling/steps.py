"""What each step of a turn did, and what it could not do."""

from __future__ import annotations

from dataclasses import dataclass

from graph.turn.degradation import explain


@dataclass(frozen=True)
class TurnStep:
    """What one predictor did: its name, its model, and the seconds it took."""

    name: str
    model: str
    seconds: float


@dataclass(frozen=True)
class Degradation:
    """A step that did not do its part, or not all of it, and why: one of the contract's reasons."""

    step: str
    reason: str

    def __str__(self) -> str:
        return explain(self.step, self.reason)

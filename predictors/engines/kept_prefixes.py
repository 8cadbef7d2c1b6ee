"""Which slot of an engine holds the beginning of which prompts.

Prompts without a beginning of their own are one more kind: they have a slot like the others.
"""

from __future__ import annotations


class KeptPrefixes:
    """`slots` of them, all empty at first."""

    def __init__(self, slots: int) -> None:
        # In the order of their use, the latest last. A slot that holds nothing known has None.
        self._held: dict[int, str | None] = dict.fromkeys(range(slots))

    def slot_of(self, prefix: str) -> int:
        """The slot that holds it, else an empty one, else that which was used longest ago."""
        for wanted in (prefix, None):
            for slot, held in self._held.items():
                if held == wanted:
                    return slot
        return next(iter(self._held))

    def held(self, slot: int) -> str | None:
        return self._held[slot]

    def note(self, slot: int, prefix: str | None) -> None:
        """A slot is used, and holds this from now on: None where that is not known."""
        del self._held[slot]
        self._held[slot] = prefix

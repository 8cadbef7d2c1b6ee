"""How much a YAML document is with all its aliases written out, which JSON needs them to be.

A few lines of aliases of aliases stand for more values than any memory holds, and an anchor around
its own alias stands for infinitely many. The API server gets JSON, so both would first fail there.
"""

from __future__ import annotations

from typing import Any

from graph.errors import SpecError

# KServe 0.20's largest CRD, that of LLMInferenceService, holds 43,946.
MOST_VALUES = 1_000_000


def check_aliases(document: Any, source: str) -> None:
    """Raises SpecError for a document that is too large with its aliases written out."""
    if _count(document, source, {}) > MOST_VALUES:
        raise SpecError(
            f"{source}: stands for more than {MOST_VALUES:,} values, because aliases name others; "
            "write out what is meant"
        )


def _count(value: Any, source: str, counted: dict[int, int]) -> int:
    """counted: by identity; 0 for what is being counted."""
    if not isinstance(value, dict | list):
        return 1
    if id(value) not in counted:
        counted[id(value)] = 0
        inner = value.values() if isinstance(value, dict) else value
        counted[id(value)] = 1 + sum(_count(each, source, counted) for each in inner)
    if not counted[id(value)]:
        raise SpecError(f"{source}: an anchor stands around an alias of itself; write it out")
    return counted[id(value)]

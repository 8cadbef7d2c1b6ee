"""The tokens of a completion, as the server that made it tells them."""

from __future__ import annotations

from typing import Any

from predictors.scheduling.request import current_request

# A server that tells more of one completion tells nonsense.
_MOST = 10_000_000


def note_usage(answer: Any) -> None:
    """Note them for the request at work, in OpenAI's words or llama.cpp's; nothing where they are
    not told."""
    if not isinstance(answer, dict):
        return
    usage = answer.get("usage")
    told = usage if isinstance(usage, dict) else answer
    read = _count(told.get("prompt_tokens", told.get("tokens_evaluated")))
    written = _count(told.get("completion_tokens", told.get("tokens_predicted")))
    if read is not None and written is not None:
        current_request().spent.count(read, written)


def _count(value: Any) -> int | None:
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST
    return int(value) if is_count else None

"""Requests in the words of llama.cpp's server, and what it says of one that it refuses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx2

from predictors.engine import Message, Sampling


def path_and_body(
    prompt: str | tuple[Message, ...], sampling: Sampling
) -> tuple[str, dict[str, Any]]:
    """Where llama.cpp takes such a prompt, and how."""
    if isinstance(prompt, str):
        return "/completion", {**_request(sampling), "prompt": prompt}
    return "/v1/chat/completions", {**_request(sampling), "messages": as_json(prompt)}


def as_json(messages: Sequence[Message]) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.content} for message in messages]


def _request(sampling: Sampling) -> dict[str, Any]:
    """Sampling in llama.cpp's words; what is None is left out, so its own default holds."""
    words = {
        "n_predict": sampling.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "repeat_penalty": sampling.repetition_penalty,
        "seed": sampling.seed,
        "stop": list(sampling.stop) or None,
    }
    return {key: value for key, value in words.items() if value is not None}


def problem(response: httpx2.Response) -> str:
    """llama.cpp's own message, which names sizes and settings but nothing of the request's text."""
    try:
        return str(response.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"the engine answered {response.status_code}"

"""The messages of a chat completion: who said what, as plain texts in turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from graph.errors import RequestError, TooLarge
from graph.turn.checks import check_plain_text, kind_of
from graph.turn.limits import PUBLIC_LIMITS

USER = "user"
ASSISTANT = "assistant"
SYSTEM = ("system", "developer")
# Of a message: what a model does besides speaking.
NOT_SUPPORTED = ("tool_calls", "function_call", "audio")
# Between what one person said in several messages.
_BREAK = "\n\n"
MOST_MESSAGES = 2 * PUBLIC_LIMITS.history
_LIMITS = PUBLIC_LIMITS


@dataclass(frozen=True)
class ChatMessage:
    """role: user or assistant."""

    role: str
    content: str


def read_messages(value: Any) -> tuple[str, tuple[ChatMessage, ...]]:
    """What the system says, and the conversation: roles in turn, the last one the user's.

    Messages of one role that follow each other become one. Raises RequestError, TooLarge.
    """
    if not isinstance(value, list) or not value:
        raise RequestError("messages", "must be a list of at least one message")
    if len(value) > MOST_MESSAGES:
        raise TooLarge(
            "messages", f"{len(value)}, at most {MOST_MESSAGES} are taken; send the newest"
        )
    read = [_read(message, f"messages[{i}]") for i, message in enumerate(value)]
    system = _BREAK.join(content for role, content in read if role in SYSTEM and content)
    said = [(role, content) for role, content in read if role not in SYSTEM]
    messages = tuple(
        ChatMessage(role, _BREAK.join(content for _, content in group))
        for role, group in groupby(said, key=lambda each: each[0])
    )
    if not messages or messages[-1].role != USER:
        raise RequestError("messages", "the last one must be the user's")
    if not messages[-1].content.strip():
        raise RequestError(f"messages[{len(value) - 1}].content", "blank")
    return system, messages


def texts_of(messages: Sequence[ChatMessage]) -> tuple[list[str], str]:
    """The texts before the last message, and the last message's."""
    *history, last = (message.content for message in messages)
    return history, last


def _read(message: Any, where: str) -> tuple[str, str]:
    """Role and text."""
    if not isinstance(message, dict):
        raise RequestError(where, f"must be an object, not {kind_of(message)}")
    role = message.get("role")
    if role not in (*SYSTEM, USER, ASSISTANT):
        known = ", ".join((*SYSTEM, USER, ASSISTANT))
        raise RequestError(f"{where}.role", f"not supported; known are {known}")
    for name in NOT_SUPPORTED:
        if message.get(name):
            raise RequestError(f"{where}.{name}", "not supported; leave it out")
    text = _text(message.get("content"), f"{where}.content")
    check_plain_text(text, f"{where}.content", _LIMITS.text)
    return str(role), text


def _text(content: Any, where: str) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise RequestError(where, f"must be a text or a list of parts, not {kind_of(content)}")
    texts = []
    for i, part in enumerate(content):
        kind = part.get("type") if isinstance(part, dict) else None
        if kind != "text" or not isinstance(part.get("text"), str):
            raise RequestError(f"{where}[{i}]", "only parts of type text are supported")
        texts.append(part["text"])
    return "".join(texts)

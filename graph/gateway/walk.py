"""Walks a turn through a graph as far as its chat, by the router's own walk.

The router asks services by a `call` that is its argument; here that call stops the walk where it
would ask a chat. So there is one truth about routing: what reaches the chat is what the chat of a
whole walk would have received.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graph import contract
from graph.asgi import Answer
from graph.contract import Instance
from graph.errors import Overloaded, ParleyError, StepError
from graph.gateway.branches import Chat
from graph.router.walk import Call, Headers, is_success, route
from graph.spec.model import Graph, Step


@dataclass(frozen=True)
class AtChat:
    """A walk that stopped before a chat. body: what the chat would have received."""

    chat: Chat
    body: bytes

    @property
    def turns(self) -> list[Instance]:
        """Raises StepError where it is no request of Parley's contract."""
        return _list(self.body, "instances")


class _Stop(Exception):
    """Ends a walk. It is no error, and no service's answer."""

    def __init__(self, reached: AtChat) -> None:
        super().__init__(reached.chat.model)
        self.reached = reached


async def walk_to_chat(
    graph: Graph, turns: Sequence[Instance], call: Call, chats: Mapping[int, Chat]
) -> AtChat | Answer:
    """The walk stopped at the first of the chats; the answer of a way that passes none of them."""

    async def stopping(step: Step, body: bytes, headers: Headers) -> Answer:
        chat = chats.get(id(step))
        if chat is not None:
            raise _Stop(AtChat(chat, body))
        return await call(step, body, headers)

    try:
        return await route(graph, body_of(turns), None, stopping)
    except _Stop as stop:
        return stop.reached


async def walk(graph: Graph, body: bytes, call: Call) -> list[Instance]:
    """The predictions of a whole walk. Raises ParleyError."""
    return predictions_of(await route(graph, body, None, call))


def body_of(turns: Sequence[Instance]) -> bytes:
    return json.dumps({"instances": list(turns)}, ensure_ascii=False).encode()


def predictions_of(answer: Answer) -> list[Instance]:
    """Raises the error that a step, or the router, answered."""
    if not is_success(answer):
        raise error_of(answer)
    return _list(answer.body, "predictions")


def error_of(answer: Answer) -> ParleyError:
    """What a predictor or the router answered in the place of a prediction."""
    found = _read(answer.body)
    words = found.get("cause") or found.get("error") or f"a step answered {answer.status}"
    status = answer.status if 400 <= answer.status <= 599 else 502
    error: ParleyError = StepError(str(words), status)
    if status == 503:
        seconds = float(answer.retry_after) if answer.retry_after.isdigit() else 1.0
        error = Overloaded(str(words), seconds)
    error.request_id = str(found.get(contract.REQUEST_ID, ""))
    return error


def _list(body: bytes, key: str) -> list[Instance]:
    values = _read(body).get(key)
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise StepError(f"a step of the graph gave no {key}", 502)
    return values


def _read(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}

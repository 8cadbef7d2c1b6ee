"""A chat completion as it goes out over HTTP: as events, or whole.

Nothing is sent before the first words are there or all is over, so that an error until then has a
status of its own; afterwards it is an event of the stream, as OpenAI's clients expect it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from graph.asgi import Send, json_answer, send_answer
from graph.completions.answers import Completion, Ending, answer_error, error_json
from graph.errors import ParleyError
from graph.http.events import MEDIA_TYPE, event, last_event

Put = Callable[[str], Awaitable[None]]


def _ignore(_: Mapping[str, Any]) -> None:
    """The ending tells it again."""


@dataclass(frozen=True)
class Out:
    """Where an answer goes. put: takes its parts, one after another.

    tell: takes what is known of the turn, for `parley`, before the first part.
    """

    put: Put
    tell: Callable[[Mapping[str, Any]], None] = _ignore


# Writes an answer, and gives its end. Raises ParleyError.
Write = Callable[[Out], Awaitable[Ending]]
Headers = list[tuple[bytes, bytes]]


async def send_whole(completion: Completion, write: Write, send: Send) -> None:
    """Raises ParleyError; nothing is sent then."""
    parts: list[str] = []

    async def put(part: str) -> None:
        parts.append(part)

    ending = await write(Out(put))
    answer = json_answer(200, completion.whole("".join(parts), ending))
    await send_answer(send, answer, headers_of(completion.request_id))


async def send_in_events(
    completion: Completion, write: Write, send: Send, include_usage: bool
) -> None:
    """Raises ParleyError before anything is sent; a later one is sent as an event."""
    events = _Events(send, completion)
    try:
        ending = await write(Out(events.put, events.tell))
        await events.begin()
    except ParleyError as err:
        if not events.is_begun:
            raise
        await events.send(event(error_json(err)), more=False)
        return
    end = event(completion.last_chunk(ending))
    if include_usage and ending.usage:
        end += event(completion.usage_chunk(ending.usage))
    await events.send(end + last_event(), more=False)


async def send_error(err: ParleyError, send: Send) -> None:
    """An error in OpenAI's words, with the name of the turn."""
    await send_answer(send, answer_error(err), headers_of(err.request_id))


def headers_of(request_id: str) -> Headers:
    return [(b"x-request-id", request_id.encode())] if request_id else []


class _Events:
    def __init__(self, send: Send, completion: Completion) -> None:
        self._send = send
        self._completion = completion
        self._told: Mapping[str, Any] = {}
        self.is_begun = False

    def tell(self, told: Mapping[str, Any]) -> None:
        self._told = told

    async def begin(self) -> None:
        if self.is_begun:
            return
        self.is_begun = True
        headers = [
            (b"content-type", f"{MEDIA_TYPE}; charset=utf-8".encode()),
            (b"cache-control", b"no-cache"),
            # Proxies such as nginx would hold the events back.
            (b"x-accel-buffering", b"no"),
            *headers_of(self._completion.request_id),
        ]
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        await self.send(event(self._completion.first_chunk(self._told)))

    async def put(self, part: str) -> None:
        await self.begin()
        await self.send(event(self._completion.chunk(part)))

    async def send(self, body: bytes, more: bool = True) -> None:
        await self._send({"type": "http.response.body", "body": body, "more_body": more})

"""What every HTTP application of Parley shares: bounded requests, clients that leave, answers.

Both the graph's application and a predictor's are built on it. It uses the standard library only,
and it decides nothing: what a late or an overlong request is answered is its caller's to say.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from typing import Any, TypeVar

from graph.errors import Overloaded, ParleyError, TooLarge

T = TypeVar("T")
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

JSON = "application/json"
# A body of so many bytes takes a few milliseconds to read and to check.
_LARGE = 64 << 10
# Made once, for the making takes as long as a small answer.
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True)
class Answer:
    """What a predictor, a step or a graph answers over HTTP.

    content_type: None where there is no body.  retry_after: the value of the header `Retry-After`,
    empty where there is none.
    """

    status: int
    body: bytes = b""
    content_type: str | None = None
    retry_after: str = ""


class ClientGone(Exception):
    """The client closed the connection before it had its answer; there is nobody to tell."""


def json_answer(status: int, payload: Any, retry_after: str = "") -> Answer:
    """A JSON body in UTF-8, without spaces."""
    return Answer(status, _ENCODER.encode(payload).encode(), JSON, retry_after)


def answer_error(err: ParleyError) -> Answer:
    """The answer to a request that could not be served: `{"error": ..., "request_id": ...}`."""
    name = {"request_id": err.request_id} if err.request_id else {}
    return json_answer(err.status, {"error": err.message} | name, retry_after_of(err))


def retry_after_of(err: ParleyError) -> str:
    """The header `Retry-After` of an error, empty for none."""
    return str(max(1, round(err.retry_after))) if isinstance(err, Overloaded) else ""


async def read_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """The body of a request.

    Raises TooLarge at the first byte over `limit`, however the body is sent, and ClientGone.
    """
    length = dict(scope["headers"]).get(b"content-length", b"")
    # Over 18 digits it may be no number that Python reads; the bytes that come are counted anyway.
    if length.isdigit() and len(length) <= 18 and int(length) > limit:
        raise TooLarge("body", f"{int(length)} bytes, at most {limit} are taken")
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        body += message.get("body", b"")
        if len(body) > limit:
            raise TooLarge("body", f"more than {limit} bytes, at most {limit} are taken")
        if not message.get("more_body", False):
            return bytes(body)


async def aside(size: int, work: Callable[[], T], most: int = _LARGE) -> T:
    """The result of work on `size` bytes or characters, on a thread where they are over `most`.

    Over it the work would hold up every other request. Up to it the way to a thread and back would
    take longer than the work, and as long again for each other thread that wants the interpreter.
    """
    return work() if size <= most else await asyncio.to_thread(work)


async def run_for_client(work: Awaitable[T], receive: Receive) -> T:
    """The result of `work`. A client that leaves first cancels it. Raises ClientGone."""
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_wait_for_disconnect(receive))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientGone
        return working.result()
    finally:
        for task in (working, leaving):
            task.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def send_answer(
    send: Send, answer: Answer, headers: Iterable[tuple[bytes, bytes]] = ()
) -> None:
    """Send an answer whole; `headers` come besides those that it has itself."""
    bodiless = answer.status < 200 or answer.status in (204, 304)
    sent = list(headers)
    if answer.content_type is not None:
        sent.append((b"content-type", answer.content_type.encode()))
    if answer.retry_after:
        sent.append((b"retry-after", answer.retry_after.encode()))
    if not bodiless:
        sent.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": sent})
    await send({"type": "http.response.body", "body": b"" if bodiless else answer.body})


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass

"""A text in parts, from work that goes on elsewhere: on threads, in another loop, on a server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable

import httpx2

from graph.errors import EngineError
from graph.http.events import DONE, EventReader

# Takes a part of a text; it may be called from any thread.
Put = Callable[[str], None]


async def parts_of(work: Callable[[Put], Awaitable[None]]) -> AsyncGenerator[str, None]:
    """What the work puts, until it ends. Whoever leaves early cancels it. Raises what it raises."""
    loop = asyncio.get_running_loop()
    parts: asyncio.Queue[str | None] = asyncio.Queue()

    def put(part: str) -> None:
        loop.call_soon_threadsafe(parts.put_nowait, part)

    working = asyncio.ensure_future(work(put))
    # It comes behind all parts, for these were put before the work ended.
    working.add_done_callback(lambda _: loop.call_soon(parts.put_nowait, None))
    try:
        while (part := await parts.get()) is not None:
            yield part
        await working
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)


async def texts_of(response: httpx2.Response, model: str) -> AsyncGenerator[str, None]:
    """The parts of a text in a streamed answer of OpenAI's protocol, or of llama.cpp's own.

    Raises EngineError for an error in the stream, and for a stream that breaks off.
    """
    reader = EventReader()
    async for part in response.aiter_raw():
        for data in reader.feed(part):
            if data == DONE:
                return
            text, is_last = _read(data, model)
            if text:
                yield text
            if is_last:
                return
    raise EngineError(f"{model}: its server stopped in the middle of an answer")


def _read(data: str, model: str) -> tuple[str, bool]:
    """The text of an event, and whether it is the last one."""
    try:
        chunk = json.loads(data)
        if "error" in chunk:
            raise EngineError(f"{model}: its server failed in the middle of an answer")
        if "content" in chunk:
            return str(chunk["content"] or ""), bool(chunk.get("stop"))
        [choice] = chunk["choices"] or [{}]
        said = choice.get("text") or (choice.get("delta") or {}).get("content") or ""
        return str(said), bool(choice.get("finish_reason"))
    except (ValueError, KeyError, TypeError, AttributeError) as err:
        raise EngineError(f"{model}: its server streamed what is no completion") from err

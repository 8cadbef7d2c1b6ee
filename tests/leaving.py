"""A client that leaves in the middle of its answer."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from graph.asgi import App, Message


async def leave_after(app: App, path: str, body: Any, words: bytes) -> list[Message]:
    """Post to an application, and leave when these words have come; what it sent until then."""
    asked = json.dumps(body).encode()
    received: list[Message] = [{"type": "http.request", "body": asked, "more_body": False}]
    sent: list[Message] = []
    came = asyncio.Event()

    async def receive() -> Message:
        if received:
            return received.pop()
        await came.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)
        if words in message.get("body", b""):
            came.set()

    scope = {"type": "http", "method": "POST", "path": path, "headers": [], "query_string": b""}
    await app(scope, receive, send)
    return sent

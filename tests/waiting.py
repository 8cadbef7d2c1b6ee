"""Waiting in an event loop for what other tasks of it do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0)


async def settle() -> None:
    """Let every ready coroutine run."""
    for _ in range(5):
        await asyncio.sleep(0)

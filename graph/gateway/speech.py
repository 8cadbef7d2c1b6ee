"""One answer on its way from the chat to the client, sentence by sentence.

The chat's words are cut into pieces while they come. Each sentence goes the rest of its branch at
once, by the router's walk, while the next one is being written; they leave in their order. A chat
without anything behind it is cut too: its answer may end with half a sentence, which is left out,
and what went out cannot be taken back.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from graph import contract
from graph.completions.answers import Ending
from graph.completions.stream import Put
from graph.contract import Instance
from graph.gateway.cutter import Cutter
from graph.gateway.merging import Notes
from graph.gateway.walk import body_of, walk
from graph.router.walk import Call
from graph.spec.model import Graph
from graph.text.splitting import Piece, Splitter

# Pieces under way to the client at most: a chat that is faster than its translators waits.
_MOST = 16
# What goes with each sentence. The history and the steps so far stay here.
_CARRIED = (
    contract.USER_INPUT,
    contract.USER_INPUT_EN,
    contract.LANGUAGE,
    contract.REQUEST_ID,
    contract.DEADLINE,
    contract.TRACEPARENT,
)

# Writes the chat's answer: puts its parts, and gives its ending.
Write = Callable[[Put], Awaitable[Ending]]


@dataclass
class Spoken:
    """What became of an answer.

    ending: the chat's.  english, response: all of it.  notes: of the steps behind the chat.
    """

    ending: Ending
    english: str
    response: str
    notes: Notes = field(default_factory=Notes)


class Speech:
    """turn: as the chat receives it.  behind: the steps that follow the chat."""

    def __init__(self, turn: Instance, behind: Graph, call: Call, splitter: Splitter) -> None:
        self._carried = {key: turn[key] for key in _CARRIED if key in turn}
        self._behind = behind
        self._translates = any(node.steps for node in behind.nodes.values())
        self._call = call
        self._cutter = Cutter(splitter)
        self._pieces: asyncio.Queue[str | asyncio.Task[str] | None] = asyncio.Queue(_MOST)
        self._notes = Notes()

    async def give(self, write: Write, put: Put) -> Spoken:
        """Put all of the answer. What fails, or whoever cancels it, ends the rest of it too."""
        try:
            async with asyncio.TaskGroup() as group:
                writing = group.create_task(self._write(write, group))
                response = await self._send(put)
        except BaseExceptionGroup as errors:
            first = errors.exceptions[0]
        else:
            return Spoken(writing.result(), self._cutter.english, response, self._notes)
        raise first

    async def _write(self, write: Write, group: asyncio.TaskGroup) -> Ending:
        async def take(part: str) -> None:
            await self._queue(self._cutter.feed(part), group)

        ending = await write(take)
        await self._queue(self._cutter.end(ending.finish), group)
        await self._pieces.put(None)
        return ending

    async def _queue(self, pieces: list[Piece], group: asyncio.TaskGroup) -> None:
        for piece in pieces:
            if piece.translate and self._translates:
                await self._pieces.put(group.create_task(self._translate(piece.text)))
            else:
                await self._pieces.put(piece.text)

    async def _translate(self, sentence: str) -> str:
        """A sentence at the end of its branch; itself where no step was for its language."""
        turn = {**self._carried, contract.RESPONSE_EN: sentence}
        [prediction] = await walk(self._behind, body_of([turn]), self._call)
        self._notes.add(prediction, time.monotonic())
        return str(prediction.get(contract.RESPONSE, sentence))

    async def _send(self, put: Put) -> str:
        """Pieces in order; what is ready goes out together."""
        sent: list[str] = []
        ready: list[str] = []
        while (piece := await self._pieces.get()) is not None:
            ready.append(piece if isinstance(piece, str) else await piece)
            if self._pieces.empty() or isinstance(piece, asyncio.Task):
                sent += ready
                await put("".join(ready))
                ready = []
        if ready:
            sent += ready
            await put("".join(ready))
        return "".join(sent)

"""The conversation before the last message, in English: remembered, or translated by the graph.

What is not remembered is sent through the graph as messages of its own, all in one request, as far
as the chat: the detector finds the language of each, and the translators give its English.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from graph import contract
from graph.asgi import Answer
from graph.completions.messages import ASSISTANT, USER, ChatMessage
from graph.contract import Instance
from graph.gateway.branches import Chat
from graph.gateway.histories import Histories, Remembered
from graph.gateway.merging import Notes
from graph.gateway.walk import predictions_of, walk_to_chat
from graph.router.walk import Call
from graph.spec.model import Graph
from graph.telemetry.trace_context import trace_fields
from graph.turn.degradation import Reason
from graph.turn.limits import PUBLIC_LIMITS

NAME = "gateway"
_SYSTEM = "system"
# Unknown messages that are translated at most, in one request.
_MOST = PUBLIC_LIMITS.instances


@dataclass(frozen=True)
class Before:
    """What was said before a message.

    history: in English, oldest first.  system: in English.  language: of the last answer, empty
    where that is not known.  notes: what was lacking.
    """

    history: list[str]
    system: str
    language: str
    notes: Notes = field(default_factory=Notes)


@dataclass(frozen=True)
class Translating:
    """Finds the English of conversations. chats: all of the graph's, where its walks stop."""

    graph: Graph
    chats: Mapping[int, Chat]
    call: Call
    histories: Histories

    async def before(
        self, messages: Sequence[ChatMessage], system: str, request_id: str, language: str
    ) -> Before:
        """messages: without the last one.  language: the person's own choice, or empty.

        Raises ParleyError.
        """
        notes = Notes()
        told = [ChatMessage(_SYSTEM, system)] if system else []
        known = [*await self.histories.find(messages), *await self.histories.find(told)]
        unknown = [i for i, each in enumerate(known) if each is None]
        said = [*messages, *told]
        if len(unknown) > _MOST:
            entry = {"step": NAME, "reason": Reason.HISTORY_CUT.value}
            notes.add({contract.DEGRADED: [entry]})
            unknown = unknown[-_MOST:]
        asked = [i for i in unknown if said[i].content.strip()]
        found = await self._translate([said[i].content for i in asked], request_id, language, notes)
        new = dict(zip(asked, found, strict=True))
        for i, each in new.items():
            known[i] = each
        count = len(messages)
        await self.histories.remember(messages, new)
        await self.histories.remember(told, {i - count: new[i] for i in new if i >= count})
        in_english = known[:count]
        answers = [k for k, m in zip(in_english, messages, strict=True) if m.role == ASSISTANT]
        last = next((each.language for each in reversed(answers) if each), "")
        system_en = known[-1].english if told and known[-1] else ""
        return Before(_answered(messages, in_english), system_en, last, notes)

    async def _translate(
        self, texts: Sequence[str], request_id: str, language: str, notes: Notes
    ) -> list[Remembered]:
        if not texts:
            return []
        turns: list[Instance] = [
            {contract.USER_INPUT: text, contract.REQUEST_ID: f"{request_id[:59]}.{i}"}
            | ({contract.LANGUAGE: language} if language else {})
            | trace_fields()
            for i, text in enumerate(texts)
        ]
        reached = await walk_to_chat(self.graph, turns, self.call, self.chats)
        if isinstance(reached, Answer):
            # A graph without a chat of Parley's: what its history is, nobody here knows.
            predictions_of(reached)
            return [Remembered(text, "") for text in texts]
        for turn in reached.turns:
            notes.add({contract.DEGRADED: turn.get(contract.DEGRADED, [])})
        return [remembered(turn) for turn in reached.turns]


def remembered(turn: Instance) -> Remembered:
    """What a turn at its chat says of its message: a chat may speak its language itself."""
    english = turn.get(contract.USER_INPUT_EN, turn[contract.USER_INPUT])
    return Remembered(str(english), str(turn.get(contract.LANGUAGE, "")))


def _answered(messages: Sequence[ChatMessage], known: Sequence[Remembered | None]) -> list[str]:
    """The English of the messages from the oldest on that is known without a gap behind it.

    A message whose answer was empty is left out with it, as the chat itself does.
    """
    start = next((i + 1 for i in reversed(range(len(known))) if _is_gap(messages[i], known[i])), 0)
    texts = [(messages[i].role, each.english if each else "") for i, each in enumerate(known)]
    history: list[str] = []
    for (role, text), (_, following) in pairwise([*texts[start:], ("", "")]):
        if role == USER and following.strip():
            history += [text, following]
        elif role == ASSISTANT and not history and text.strip():
            history.append(text)
    return history


def _is_gap(message: ChatMessage, known: Remembered | None) -> bool:
    return known is None and bool(message.content.strip())

"""The asynchronous client for tests that know only the other one: each call is awaited at once."""

from __future__ import annotations

import asyncio
from typing import Any

from graph.calling.conversation import Memory
from graph.client import AsyncChatClient, AsyncConversation, Conversation, Reply


class Awaited:
    """An `AsyncChatClient` in an event loop of its own, with the methods of `ChatClient`."""

    def __init__(self, client: AsyncChatClient) -> None:
        self._client = client
        self._runner = asyncio.Runner()

    def turn(self, *given: Any, **named: Any) -> Reply:
        return self._runner.run(self._client.turn(*given, **named))

    def turns(self, instances: Any) -> list[Reply]:
        return self._runner.run(self._client.turns(instances))

    def predict(self, name: str, instances: Any) -> Any:
        return self._runner.run(self._client.predict(name, instances))

    def conversation(self, language: str | None = None) -> AwaitedConversation:
        return AwaitedConversation(self._client.conversation(language), self._runner)

    def __enter__(self) -> Awaited:
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.run(self._client.aclose())
        self._runner.close()


class AwaitedConversation:
    """Its conversation; `memory` of it is what it keeps."""

    def __init__(self, memory: AsyncConversation, runner: asyncio.Runner) -> None:
        self.memory = memory
        self._runner = runner

    def say(self, text: str) -> Reply:
        return self._runner.run(self.memory.say(text))


def memory(talk: Conversation | AwaitedConversation) -> Memory:
    """What a conversation keeps."""
    return talk.memory if isinstance(talk, AwaitedConversation) else talk

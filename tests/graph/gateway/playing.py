"""The shipped graph on fakes behind a gateway: an engine that writes word by word, and translators
that mark what went through them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from graph.completions.answers import Ending
from graph.completions.messages import ChatMessage
from graph.completions.request import AnswerOptions, ChatRequest
from graph.completions.stream import Out
from graph.contract import Instance
from graph.gateway.app import GatewayApp
from graph.gateway.gateway import Gateway
from graph.gateway.histories import Histories
from graph.local.build import LocalGraph, read_file
from graph.spec.model import Graph, Node, Step
from predictors.chat.model import Chat
from predictors.chat.prompt import ChatTemplatePrompt
from predictors.door.handler import Handler
from predictors.engine import Prompt, Sampling
from tests.fakes import FakeEngine, embedded_graph, predictors

Reply = Callable[[str], str]


class Writes(FakeEngine):
    """An engine that streams its answer in parts of so many characters.

    waits_before: the part before which it waits for `go`.  left: set when a stream has ended.
    """

    def __init__(self, reply: Reply, size: int = 4) -> None:
        super().__init__(reply, 200_000)
        self.size = size
        self.go = asyncio.Event()
        self.waits_before: int | None = None
        self.left = asyncio.Event()

    async def stream(self, prompt: Prompt, sampling: Sampling) -> AsyncGenerator[str, None]:
        [text] = await self.generate([prompt], sampling)
        try:
            for i in range(-(-len(text) // self.size)):
                if i == self.waits_before:
                    await self.go.wait()
                yield text[i * self.size : (i + 1) * self.size]
        finally:
            self.left.set()


def local_graph(engine: FakeEngine, max_tokens: int = 1_000) -> LocalGraph:
    """The shipped graph with fakes, and a chat on this engine."""
    chat = Chat("chat", engine, ChatTemplatePrompt(""), Sampling(max_tokens=max_tokens))
    handlers = [handler for handler in predictors() if handler.name != "chat"]
    handlers.append(Handler(chat))
    handlers[-1].load()
    return replace(embedded_graph(handlers), services=read_file("").services)


def with_steps(graph: Graph, change: Step, **fields: object) -> Graph:
    """The graph with other fields in one of its steps."""
    nodes = {
        name: Node(
            node.router_type,
            tuple(replace(s, **fields) if s is change else s for s in node.steps),  # type: ignore[arg-type]
        )
        for name, node in graph.nodes.items()
    }
    return replace(graph, nodes=nodes)


@dataclass
class Gate:
    """A gateway on a local graph, and what passed through it.

    asked: the bodies that each service received.
    """

    local: LocalGraph
    histories: Histories = field(default_factory=Histories)
    graph: Graph | None = None
    asked: list[tuple[str, list[Instance]]] = field(default_factory=list)

    @property
    def gateway(self) -> Gateway:
        return Gateway.of(
            self.graph or self.local.graph,
            self.local.services,
            self._call,
            self.local.ask_chat,
            self.histories,
        )

    @property
    def app(self) -> GatewayApp:
        return GatewayApp(self.gateway)

    async def _call(self, step: Any, body: bytes, headers: Any) -> Any:
        self.asked.append((step.target, json.loads(body).get("instances", [])))
        return await self.local.call(step, body, headers)

    async def say(
        self,
        *texts: str,
        options: AnswerOptions | None = None,
        parley: Mapping[str, Any] | None = None,
        into: list[str] | None = None,
    ) -> tuple[list[str], Ending]:
        """The parts of the answer to a conversation, and its ending. into: takes the parts."""
        roles = ("user", "assistant")
        messages = tuple(ChatMessage(roles[i % 2], text) for i, text in enumerate(texts))
        request = ChatRequest("x", messages, options or AnswerOptions(), True, True, parley or {})
        parts: list[str] = [] if into is None else into

        async def put(part: str) -> None:
            parts.append(part)

        return parts, await self.gateway.answer(request, "turn-1", "", Out(put))

    async def post(self, *turns: Mapping[str, Any]) -> list[Instance]:
        """What the router answers to the same turns."""
        answer = await self.local.route(json.dumps({"instances": list(turns)}).encode())
        predictions: list[Instance] = json.loads(answer.body)["predictions"]
        return predictions

    def calls(self, name: str) -> Sequence[list[Instance]]:
        return [turns for target, turns in self.asked if target == name]

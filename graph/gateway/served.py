"""A graph that is served: what it calls and where, and a gateway that reaches it all by HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from graph.gateway.chat import AskChat, http_chat
from graph.gateway.gateway import Gateway
from graph.gateway.histories import Histories
from graph.router.transport import http_call
from graph.router.walk import Call
from graph.spec.model import Graph
from graph.spec.services import InferenceService


@dataclass(frozen=True)
class Served:
    """services: as far as they are known.  urls: that of each `serviceName`."""

    graph: Graph
    services: tuple[InferenceService, ...]
    urls: Mapping[str, str]


@dataclass
class Connections:
    """The ways to services, which stay open while the graph changes: turns are under way on them.

    urls: of all services so far.
    """

    histories: Histories
    ask_chat: AskChat
    urls: dict[str, str]
    _stack: AsyncExitStack
    # By the seconds that a graph gives its services.
    _calls: dict[int | None, Call] = field(default_factory=dict)

    async def reach(self, served: Served) -> Gateway:
        """The gateway to a graph."""
        self.urls.update(served.urls)
        seconds = served.graph.timeouts.service_client
        if seconds not in self._calls:
            opened = http_call(self.urls, seconds)
            self._calls[seconds] = await self._stack.enter_async_context(opened)
        call = self._calls[seconds]
        return Gateway.of(served.graph, served.services, call, self.ask_chat, self.histories)


@asynccontextmanager
async def open_connections(histories: Histories) -> AsyncIterator[Connections]:
    async with AsyncExitStack() as stack:
        urls: dict[str, str] = {}
        ask_chat = await stack.enter_async_context(http_chat(urls))
        yield Connections(histories, ask_chat, urls, stack)

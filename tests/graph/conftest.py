"""The shipped graph on fakes, by every way that a client has to it."""

from contextlib import ExitStack

import pytest

from graph.client import AsyncChatClient, ChatClient
from graph.local.app import app_of
from graph.local.transport import AsyncLocalTransport, LocalTransport
from tests.awaited import Awaited
from tests.conftest import served
from tests.fakes import embedded_graph, predictors


@pytest.fixture(scope="module", params=["http", "local", "async http", "async local"])
def client(request):
    """Every way to the same graph; what holds for one of them holds for all."""
    graph = embedded_graph(predictors())
    with ExitStack() as stack:
        if "local" in request.param:
            transport = LocalTransport(graph)
        else:
            url = stack.enter_context(served(app_of(graph)))
        client: ChatClient | Awaited
        if request.param == "local":
            client = ChatClient(transport=transport)
        elif request.param == "http":
            client = ChatClient(url)
        elif request.param == "async local":
            client = Awaited(AsyncChatClient(transport=AsyncLocalTransport(transport)))
        else:
            client = Awaited(AsyncChatClient(url))
        yield stack.enter_context(client)

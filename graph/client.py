"""The clients of a graph, wherever it runs: over HTTP, on a cluster, or in this process.

    client = ChatClient("http://chat.example.com")         # behind a gateway, or served here
    client = ChatClient.cluster(namespace="parley")        # on the cluster that kubectl asks
    client = ChatClient.local("manifests/embedded.yaml")   # the same graph in this process
    reply = client.turn("Bonjour !")
    reply = client.turn("Et à Lyon ?", history=reply.history, previous_language=reply.language)

`AsyncChatClient` has the same methods to await; a call in an event loop does not hold it up. What
both send and read is one implementation (graph/calling/protocol.py). They try again what is safe
(graph/calling/retries.py), and never a turn that may have been answered.

Every call raises errors of graph/errors.py, with the server's own words where it has any:

    NotReached        no connection: nothing was sent
    NotReady          the connection broke; the turn may have been answered
    NotTrusted        TLS: one side does not take the certificate of the other
    DeadlineExceeded  no answer within the time that the client waits
    StepError         the server answered an error; `status` is its status, `request_id` the turn's
"""

from __future__ import annotations

import asyncio
import ssl
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Generic, Self, TypeVar

from graph.asgi import Answer
from graph.calling.conversation import AsyncConversation, Conversation
from graph.calling.endpoint import Endpoint
from graph.calling.protocol import RETRIES, Call, Calls, Instance, Prediction
from graph.calling.replies import Reply
from graph.calling.retries import Retries
from graph.calling.steps import Degradation, TurnStep
from graph.calling.transport import AsyncHttpTransport, AsyncTransport, HttpTransport, Transport
from graph.errors import needing
from graph.turn.timeouts import DEFAULT

__all__ = [
    "AsyncChatClient",
    "AsyncConversation",
    "ChatClient",
    "Conversation",
    "Degradation",
    "Reply",
    "TurnStep",
]

R = TypeVar("R")
T = TypeVar("T")


class _Client(ABC, Generic[T]):
    """How both clients are made, and what they have in common."""

    def __init__(
        self,
        url: str = "",
        *,
        host: str = "",
        headers: Mapping[str, str] | None = None,
        api_key: str = "",
        verify: bool | str | ssl.SSLContext = True,
        cert: str | tuple[str, str] = "",
        timeout: float = DEFAULT.client,
        retries: int = RETRIES,
        transport: T | None = None,
    ) -> None:
        """`url` is the graph's; `timeout` seconds at most are waited for one answer.

        host: the graph's own name, where `url` is a gateway's address.  headers, api_key, verify,
        cert: as of `graph.calling.endpoint.Endpoint`.  retries: how often a request is tried again
        that was refused whole; 0 for never.  transport: what carries the bytes, in the place of all
        that is about the url. Raises SpecError for what cannot be a URL, a header or a certificate.
        """
        if bool(url) == (transport is not None):
            raise ValueError("give either a url or a transport")
        self._transport = transport or self._open(
            Endpoint(url, host, headers or {}, api_key, verify, cert)
        )
        self._calls = Calls(timeout)
        self._retries = Retries(retries)

    @abstractmethod
    def _open(self, endpoint: Endpoint) -> T:
        """The way to an endpoint, over HTTP."""


class ChatClient(_Client[Transport]):
    """A graph to talk to. Close it, or use it in a `with` statement.

    Threads may share one, and so may their conversations.
    """

    def _open(self, endpoint: Endpoint) -> Transport:
        return HttpTransport(endpoint)

    @classmethod
    def local(cls, file: str = "") -> Self:
        """The graph of a YAML file in this process, by default the embedded one; loads its models.

        Raises SpecError, ModelError, NotInstalled.
        """
        with needing("local"):
            from graph.local.transport import LocalTransport

        return cls(transport=LocalTransport.of_file(file))

    @classmethod
    def cluster(
        cls,
        namespace: str = "",
        context: str = "",
        graph: str = "",
        kubeconfig: str = "",
        *,
        timeout: float = DEFAULT.client,
        retries: int = RETRIES,
    ) -> Self:
        """A graph on a Kubernetes cluster, by ports forwarded to this machine: no gateway is asked.

        The cluster is the one that kubectl would ask; what is empty is its context's.  graph: its
        name, "" for the only one of the namespace. Its predictors are there too, for `predict`.
        Raises NotInstalled; NotReady where no pod of the graph is; and errors of the cluster.
        """
        with needing("cluster"):
            from graph.cluster.transport import ClusterTransport, Place

        transport = ClusterTransport(Place(namespace, context, kubeconfig, graph))
        return cls(transport=transport, timeout=timeout, retries=retries)

    def turn(
        self,
        user_input: str,
        history: Sequence[str] = (),
        *,
        language: str | None = None,
        previous_language: str | None = None,
        timeout: float | None = None,
        request_id: str | None = None,
    ) -> Reply:
        """One message answered.

        timeout: seconds that the turn may take; the server ends it then and says who was late, so
        the client waits a little longer.  request_id: the turn's name in the server's logs, which
        an error has too; without one, the client makes one.
        """
        return self._send(
            self._calls.turn(user_input, history, language, previous_language, timeout, request_id)
        )

    def turns(self, instances: Sequence[Instance]) -> list[Reply]:
        """Several instances in one request, each an independent turn; languages may be mixed."""
        return self._send(self._calls.turns(instances))

    def answers(self, instances: Sequence[Instance]) -> list[Prediction]:
        """What any graph returned for the instances, as it came; for graphs that are no chat."""
        return self._send(self._calls.answers(instances))

    def predict(self, name: str, instances: Sequence[Instance]) -> list[Prediction]:
        """One predictor alone.

        A url must be one that serves predictors by name, such as that of `parley serve`, of the
        predictor itself or of its own route: KServe's router would run its graph instead.
        """
        return self._send(self._calls.answers(instances, name))

    def conversation(
        self, language: str | None = None, timeout: float | None = None
    ) -> Conversation:
        """A conversation that keeps its history; `language` chosen by the user, None: detected.

        timeout: seconds that each turn may take.
        """
        return Conversation(self, language, timeout)

    def close(self) -> None:
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _send(self, call: Call[R]) -> R:
        def attempt(left: float) -> Answer:
            return self._transport.post(call.body(left), call.predictor, left)

        with call.named():
            return call.result(self._retries.answer(attempt, call.seconds))


class AsyncChatClient(_Client[AsyncTransport]):
    """A graph to talk to from an event loop. Close it, or use it in an `async with` statement.

    It belongs to one event loop, in which any number of calls may wait at a time. A call that is
    cancelled closes its connection, so that the server can stop working for it.
    """

    def _open(self, endpoint: Endpoint) -> AsyncTransport:
        return AsyncHttpTransport(endpoint)

    @classmethod
    async def local(cls, file: str = "") -> Self:
        """As `ChatClient.local`; the models are loaded in a thread."""
        with needing("local"):
            from graph.local.transport import AsyncLocalTransport, LocalTransport

        local = await asyncio.to_thread(LocalTransport.of_file, file)
        return cls(transport=AsyncLocalTransport(local))

    @classmethod
    async def cluster(
        cls,
        namespace: str = "",
        context: str = "",
        graph: str = "",
        kubeconfig: str = "",
        *,
        timeout: float = DEFAULT.client,
        retries: int = RETRIES,
    ) -> Self:
        """As `ChatClient.cluster`; the cluster is asked in a thread."""
        with needing("cluster"):
            from graph.cluster.transport import AsyncClusterTransport, Place

        place = Place(namespace, context, kubeconfig, graph)
        transport = await AsyncClusterTransport.open(place)
        return cls(transport=transport, timeout=timeout, retries=retries)

    async def turn(
        self,
        user_input: str,
        history: Sequence[str] = (),
        *,
        language: str | None = None,
        previous_language: str | None = None,
        timeout: float | None = None,
        request_id: str | None = None,
    ) -> Reply:
        """One message answered, as by `ChatClient.turn`."""
        return await self._send(
            self._calls.turn(user_input, history, language, previous_language, timeout, request_id)
        )

    async def turns(self, instances: Sequence[Instance]) -> list[Reply]:
        """Several independent turns in one request, as by `ChatClient.turns`."""
        return await self._send(self._calls.turns(instances))

    async def answers(self, instances: Sequence[Instance]) -> list[Prediction]:
        """What any graph returned, as by `ChatClient.answers`."""
        return await self._send(self._calls.answers(instances))

    async def predict(self, name: str, instances: Sequence[Instance]) -> list[Prediction]:
        """One predictor alone, as by `ChatClient.predict`."""
        return await self._send(self._calls.answers(instances, name))

    def conversation(
        self, language: str | None = None, timeout: float | None = None
    ) -> AsyncConversation:
        """A conversation that keeps its history, as by `ChatClient.conversation`."""
        return AsyncConversation(self, language, timeout)

    async def aclose(self) -> None:
        await self._transport.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _send(self, call: Call[R]) -> R:
        async def attempt(left: float) -> Answer:
            return await self._transport.post(call.body(left), call.predictor, left)

        with call.named():
            return call.result(await self._retries.answer_async(attempt, call.seconds))

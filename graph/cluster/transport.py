"""A client's way to a graph and its predictors on a cluster, by ports forwarded to this machine.

No gateway, route or network policy stands on this way; what it needs is the right to forward the
ports of pods. The predictors, which a cluster lets nobody reach from outside, are reached too.
"""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Generic, TypeVar

from graph.asgi import Answer
from graph.calling.endpoint import Endpoint
from graph.calling.transport import AsyncHttpTransport, HttpTransport
from graph.cluster.connection import connect
from graph.cluster.doors import door_of, find_application, find_door
from graph.cluster.forward import forward

T = TypeVar("T")


@dataclass(frozen=True)
class Place:
    """An application on a cluster. What is empty is found as kubectl and `parley open` find it.

    graph: its name, "" for the only application of the namespace.
    """

    namespace: str = ""
    context: str = ""
    kubeconfig: str = ""
    graph: str = ""


class ClusterTransport:
    """A client's `Transport` to an application on a cluster."""

    def __init__(self, place: Place) -> None:
        """Raises ClusterError, of which NotFound, and NotReady where no pod of the graph is."""
        self._doors = _Doors(place, functools.partial(HttpTransport, trust_env=False))

    def post(self, body: bytes, predictor: str | None, seconds: float) -> Answer:
        """Raises also NotFound where there is no such predictor."""
        return self._doors.at(predictor).post(body, predictor or self._doors.alone, seconds)

    def close(self) -> None:
        for transport in self._doors.opened.values():
            transport.close()
        self._doors.close()


class AsyncClusterTransport:
    """The same in an event loop; what asks the cluster for a way runs in a thread."""

    def __init__(self, doors: _Doors[AsyncHttpTransport]) -> None:
        self._doors = doors

    @classmethod
    async def open(cls, place: Place) -> AsyncClusterTransport:
        """Raises as `ClusterTransport` does."""
        make = functools.partial(AsyncHttpTransport, trust_env=False)
        return cls(await asyncio.to_thread(_Doors, place, make))

    async def post(self, body: bytes, predictor: str | None, seconds: float) -> Answer:
        """Raises also NotFound where there is no such predictor."""
        transport = self._doors.opened.get(predictor or "")
        if transport is None:
            transport = await asyncio.to_thread(self._doors.at, predictor)
        return await transport.post(body, predictor or self._doors.alone, seconds)

    async def aclose(self) -> None:
        for transport in self._doors.opened.values():
            await transport.aclose()
        await asyncio.to_thread(self._doors.close)


class _Doors(Generic[T]):
    """The forwarded ports of one application, each with a transport that `make` makes.

    alone: the predictor of an application that has no graph, else None.
    A predictor's port is forwarded when it is first asked for. Threads may share it.
    """

    def __init__(self, place: Place, make: Callable[[Endpoint], T]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self.opened: dict[str, T] = {}
        with ExitStack() as stack:
            self._cluster = stack.enter_context(
                connect(place.context, place.namespace, place.kubeconfig)
            )
            self._forwards = stack.enter_context(ExitStack())
            application = find_application(self._cluster, place.graph)
            self.alone = None if application.graph else application.name
            self._open("", door_of(application))
            self._held = stack.pop_all()

    def at(self, predictor: str | None) -> T:
        """The way to a predictor, None: to the graph."""
        name = predictor or ""
        with self._lock:
            if name not in self.opened:
                self._open(name, find_door(self._cluster, service=name))
            return self.opened[name]

    def _open(self, name: str, door: str) -> None:
        url = self._forwards.enter_context(forward(self._cluster, f"service/{door}"))
        self.opened[name] = self._make(Endpoint(url))

    def close(self) -> None:
        with self._lock:
            self._held.close()

"""An application at work, in this process or on a cluster, and the way to it."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

from graph.client import AsyncChatClient, ChatClient
from graph.composing.application import Application
from graph.composing.shipped import Variant, find_shipped
from graph.errors import NamespaceMissing, needing

if TYPE_CHECKING:
    from graph.cluster.connection import Cluster

# Images may have to be pulled, and models to be fetched and converted.
_READY_SECONDS = 1_800.0


@dataclass(frozen=True)
class Running:
    """Use it in a `with` block, or end it with `stop` or `delete`.

    url: where HTTP reaches the graph from this machine; without a graph the first service, which
    is at /v1/models/NAME:predict below it.  cluster: None where all runs in this process.
    """

    application: Application
    client: ChatClient
    url: str
    cluster: Cluster | None = None
    _open: ExitStack = field(default_factory=ExitStack, repr=False)

    async def connect(self) -> AsyncChatClient:
        """A client for the event loop that runs; its own `aclose` closes it."""
        if self.cluster is None:
            return AsyncChatClient(self.url)
        where = self.cluster
        return await AsyncChatClient.cluster(
            where.namespace, where.context, self.application.names[0], where.kubeconfig
        )

    def stop(self) -> None:
        """End the way to it. In this process it ends too; on a cluster it goes on."""
        self._open.close()

    def delete(self) -> None:
        """End it, wherever it runs; volumes with models stay. Raises ClusterError."""
        self.stop()
        if self.cluster is not None:
            from graph.cluster.delete import delete

            delete(self.cluster, self.application.objects)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def run(
    application: Application, cluster: Cluster | None = None, *, timeout: float = _READY_SECONDS
) -> Running:
    """Start an application and wait until it answers: in this process, or on a cluster.

    On a cluster its objects are applied, to the cluster's namespace where they name none; a
    namespace that is not there is made. timeout: seconds that it may take until it answers there.
    Raises SpecError, ModelError, NotInstalled, ClusterError.
    """
    with ExitStack() as stack:
        if cluster is None:
            url = _start_here(application, stack)
            client = stack.enter_context(ChatClient(url))
            return Running(application, client, url, None, stack.pop_all())
        inside = cluster
        if application.namespace and not cluster.pinned:
            inside = replace(cluster, namespace=application.namespace)
        _start_there(application, inside, timeout)
        url, client = _reach(application, inside, stack)
        return Running(application, client, url, inside, stack.pop_all())


def _start_here(application: Application, stack: ExitStack) -> str:
    built = application.build()
    with needing("local"):
        from graph.local.background import in_background

    return stack.enter_context(in_background(built))


def _start_there(application: Application, cluster: Cluster, timeout: float) -> None:
    from graph.cluster.apply import apply
    from graph.cluster.search import find_namespace
    from graph.cluster.wait import wait

    try:
        find_namespace(cluster)
    except NamespaceMissing:
        namespace = find_shipped(Variant.EMBEDDED, "Namespace")
        namespace["metadata"]["name"] = cluster.namespace
        apply(cluster, namespace)
    apply(cluster, application.objects)
    wait(cluster, application.names, timeout)


def _reach(application: Application, cluster: Cluster, stack: ExitStack) -> tuple[str, ChatClient]:
    """A URL and a client. Both connect anew, for a Cluster is of one thread at a time."""
    from graph.cluster.connection import connect
    from graph.cluster.doors import find_door
    from graph.cluster.forward import forward

    name = application.names[0]
    beside = stack.enter_context(connect(cluster.context, cluster.namespace, cluster.kubeconfig))
    url = stack.enter_context(forward(beside, f"service/{find_door(beside, name)}"))
    client = ChatClient.cluster(cluster.namespace, cluster.context, name, cluster.kubeconfig)
    return url, stack.enter_context(client)

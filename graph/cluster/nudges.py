"""Wakes KServe's controller for a graph that it has put off.

The controller does not make a graph's router before all its services are ready, looks again after
pauses that grow up to many minutes, and does not watch the services. A changed annotation makes it
look at once.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from graph.cluster.connection import Cluster
from graph.cluster.parts.graphs import WAITS_FOR_KSERVE
from graph.cluster.parts.model import Status
from graph.cluster.snapshot import GRAPH
from graph.errors import Forbidden, NotFound

ANNOTATION = "parley/nudged-at"
# Not that of `apply`, so that a graph of somebody else's is not taken for one that was applied.
MANAGER = "parley-wait"
_PAUSE_SECONDS = 10.0


class Nudges:
    """Nudges a graph at most once in ten seconds, and none where the right to is missing."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._next: dict[str, float] = {}

    def nudge(self, status: Status) -> None:
        """The graphs that wait for nothing but KServe. Raises ClusterError, but not Forbidden."""
        for name in waiting_graphs(status):
            now = time.monotonic()
            if now < self._next.get(name, now):
                continue
            self._next[name] = now + _PAUSE_SECONDS
            try:
                touch(self._cluster, name)
            except Forbidden:
                self._next[name] = float("inf")
            except NotFound:
                continue


def waiting_graphs(status: Status) -> Iterable[str]:
    for path in status.walk():
        if path[-1].kind == GRAPH.name and path[-1].detail == WAITS_FOR_KSERVE:
            yield path[-1].name


def touch(cluster: Cluster, graph: str) -> None:
    """Change an annotation that nobody reads. Raises ClusterError."""
    resource = cluster.resource(GRAPH.api_version, GRAPH.name)
    value = str(int(time.time()))
    with cluster.speaking(f"InferenceGraph/{graph}"):
        resource.patch(
            body={"metadata": {"annotations": {ANNOTATION: value}}},
            name=graph,
            namespace=cluster.namespace,
            content_type="application/merge-patch+json",
            field_manager=MANAGER,
        )

"""The graph of a cluster, kept as it is there: it changes without a restart.

An InferenceGraph and its InferenceServices are watched. A service is called at the address that its
status names, as KServe's controller writes it into the router's configuration, and at the address
that it will have where there is no status yet. What cannot be read does not take the place of what
could be: the graph that was served last goes on, and one line says why.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise

from graph.cluster.connection import Cluster
from graph.cluster.reasons.model import Object
from graph.cluster.snapshot import GRAPH, SERVICE, Kind, Snapshot
from graph.cluster.watches import Watches
from graph.errors import ClusterError, SpecError
from graph.gateway.served import Served
from graph.spec.addresses import cluster_url, predict_url
from graph.spec.documents import Place
from graph.spec.load import read_objects
from graph.spec.model import Objects
from graph.spec.services import InferenceService

log = logging.getLogger(__name__)
_MODEL_NAME = "--model_name"
# So long a process that ends may wait for its watch.
_PACE = 1.0
# A watch that was refused is tried again: the graph is served meanwhile.
_PAUSE = 30.0


def find_served(snapshot: Snapshot, name: str) -> Served | None:
    """The graph of that name in a snapshot; None where it has none.

    Raises SpecError for a graph that cannot be read. A service that cannot be read is known by its
    address alone.
    """
    found = [item for item in snapshot.of(GRAPH) if item["metadata"]["name"] == name]
    if not found:
        return None
    [graph] = _read(GRAPH, found[0]).graphs
    items = {item["metadata"]["name"]: item for item in snapshot.of(SERVICE)}
    called = {each: items.get(each) for each in graph.service_names()}
    services = tuple(_services(item for item in called.values() if item))
    urls = {each: _url(each, item, snapshot.namespace) for each, item in called.items()}
    return Served(graph, services, urls)


class GraphWatch:
    """Tells every change of one graph, from a thread that `run` holds until `stop`.

    changed: takes the graph, None where there is none.
    """

    def __init__(
        self, cluster: Cluster, name: str, changed: Callable[[Served | None], None]
    ) -> None:
        self._cluster = cluster
        self._name = name
        self._changed = changed
        self._stopped = threading.Event()
        self._is_told = False
        self._last: Served | None = None
        self._problem = ""

    def stop(self) -> None:
        self._stopped.set()

    def run(self) -> None:
        """Raises ClusterError where the cluster cannot be watched from the beginning on."""
        while not self._stopped.is_set():
            try:
                self._watch()
            except ClusterError as err:
                if not self._is_told:
                    raise
                self._warn(err.message)
                self._stopped.wait(_PAUSE)

    def _watch(self) -> None:
        kinds = (GRAPH, SERVICE)
        resources = {kind: self._cluster.resource(kind.api_version, kind.name) for kind in kinds}
        with Watches(self._cluster, resources) as watches:
            while not self._stopped.is_set():
                snapshot = watches.next(_PACE)
                if snapshot is not None:
                    self._look(snapshot)
                    self._warn(watches.problem)

    def _look(self, snapshot: Snapshot) -> None:
        try:
            served = find_served(snapshot, self._name)
        except SpecError as err:
            log.warning("%s; the graph is served as it was", err)
            return
        if not self._is_told or served != self._last:
            self._is_told = True
            self._last = served
            self._changed(served)

    def _warn(self, problem: str) -> None:
        """Say a problem once, until there is another one or none."""
        if problem and problem != self._problem:
            log.warning("%s; changes of the graph wait", problem)
        self._problem = problem


def _read(kind: Kind, item: Object) -> Objects:
    """Raises SpecError."""
    document = {**item, "apiVersion": kind.api_version, "kind": kind.name}
    return read_objects([(Place(""), document)], "the cluster", admit=False)


def _services(items: Iterable[Object]) -> Iterator[InferenceService]:
    for item in items:
        try:
            yield from _read(SERVICE, item).services
        except SpecError as err:
            log.warning("%s; what it is stays unknown", err)


def _url(name: str, item: Object | None, namespace: str) -> str:
    """As KServe's controller resolves a serviceName."""
    address = ((item or {}).get("status", {}).get("address") or {}).get("url")
    if item is None or not address:
        return cluster_url(name, namespace)
    return predict_url(address.rstrip("/"), _model_of(item) or name)


def _model_of(service: Object) -> str:
    """The name that a container gives its model, empty where it gives none."""
    containers = service["spec"]["predictor"].get("containers") or [{}]
    words: Sequence[str] = containers[0].get("args") or ()
    for word, following in pairwise([*words, ""]):
        name, equals, value = word.partition("=")
        if name == _MODEL_NAME:
            return value if equals else following
    return ""

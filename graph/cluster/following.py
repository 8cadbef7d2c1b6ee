"""Follow logs while pods come and go: a container that is started again is followed again."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from kubernetes.client import CoreV1Api
from kubernetes.watch import Watch

from graph.cluster.connection import Cluster
from graph.cluster.logs import EVERYTHING, Line, Wanted, containers_of, find_pods, limits, read_line
from graph.cluster.reasons.pod import Pod
from graph.cluster.snapshot import Snapshot
from graph.cluster.watches import Watches
from graph.errors import ClusterError, Forbidden, NotFound, Unauthorized

_PACE = 1.0
_JOIN_SECONDS = 2.0
_ENDED = ("Succeeded", "Failed")


class _Run(NamedTuple):
    """One run of a container: after a restart there is another one."""

    pod: str
    container: str
    restarts: int


def follow_logs(
    cluster: Cluster, names: Sequence[str] = (), wanted: Wanted = EVERYTHING
) -> Generator[Line, None, None]:
    """The lines as they come, until the iterator is closed, or until all pods have ended for good.

    names: as for `read_logs`. Raises NotFound where nothing has such a name at the beginning, and
    ClusterError where the logs cannot be read. An API server that goes away and comes back, and
    pods that are replaced, are no error.
    """
    following = _Following(cluster, names, wanted)
    thread = threading.Thread(target=following.run, daemon=True)
    thread.start()
    try:
        while (item := following.items.get()) is not None:
            if isinstance(item, ClusterError):
                raise item
            yield item
    finally:
        following.stop()
        thread.join(_JOIN_SECONDS)


class _Following:
    """Looks which containers run, and has a stream read for each run.

    items: the lines, an error that ends it, None for the end.
    """

    def __init__(self, cluster: Cluster, names: Sequence[str], wanted: Wanted) -> None:
        self._cluster = cluster
        self._names = names
        self._wanted = wanted
        self._streams: dict[_Run, _Stream] = {}
        self._begun = False
        self._stopped = threading.Event()
        self.items: queue.SimpleQueue[Line | ClusterError | None] = queue.SimpleQueue()

    def run(self) -> None:
        try:
            with Watches(self._cluster) as watches:
                while not self._stopped.is_set():
                    snapshot = watches.next(_PACE)
                    if snapshot and self._look(snapshot):
                        break
            self.items.put(None)
        except ClusterError as err:
            self.items.put(err)
        finally:
            for stream in self._streams.values():
                stream.stop()

    def stop(self) -> None:
        self._stopped.set()

    def _look(self, snapshot: Snapshot) -> bool:
        """Begin what is new, and what broke off. Whether there is nothing to come any more."""
        pods = self._find(snapshot)
        for pod in pods:
            for container in containers_of(pod, self._wanted):
                run = _Run(pod.name, container.name, container.restarts)
                self._follow(run, container.running)
        self._begun = True
        reading = any(stream.is_alive for stream in self._streams.values())
        return bool(pods) and all(pod.phase in _ENDED for pod in pods) and not reading

    def _find(self, snapshot: Snapshot) -> list[Pod]:
        try:
            return find_pods(snapshot, self._names)
        except NotFound:
            # Deleted, perhaps to be made anew.
            if self._begun:
                return []
            raise

    def _follow(self, run: _Run, running: bool) -> None:
        stream = self._streams.get(run)
        if stream is None:
            # What begins while we look on is read from its beginning.
            wanted = replace(self._wanted, tail=-1) if self._begun else self._wanted
            stream = self._streams[run] = _Stream(self._cluster, run, wanted, self.items)
            stream.start()
        elif running and not stream.is_alive:
            stream.start()


@dataclass(frozen=True)
class _Last:
    """The last line that came: its own time, and when it came by this machine's clock."""

    time: str
    came: float


class _Stream:
    """Reads the log of one run in a thread, as often as it is started."""

    def __init__(
        self,
        cluster: Cluster,
        run: _Run,
        wanted: Wanted,
        items: queue.SimpleQueue[Line | ClusterError | None],
    ) -> None:
        self._cluster = cluster
        self._run = run
        self._wanted = wanted
        self._items = items
        self._last: _Last | None = None
        self._watch = Watch()
        self._thread: threading.Thread | None = None
        self._stopped = False

    @property
    def is_alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopped = True
        self._watch.stop()

    def _read(self) -> None:
        try:
            with self._cluster.speaking(f"log of Pod/{self._run.pod}"):
                self._stream()
        except (Forbidden, Unauthorized) as err:
            self._items.put(err)
        except ClusterError:
            # It is begun again while the container runs.
            return

    def _stream(self) -> None:
        stream = self._watch.stream(
            CoreV1Api(self._cluster.api).read_namespaced_pod_log,
            self._run.pod,
            self._cluster.namespace,
            container=self._run.container,
            timestamps=True,
            **limits(self._rest()),
        )
        for text in stream:
            if self._stopped:
                return
            line = read_line(self._run.pod, self._run.container, text)
            if self._last is None or line.time == "" or line.time > self._last.time:
                self._items.put(line)
                self._last = _Last(line.time, time.monotonic()) if line.time else self._last

    def _rest(self) -> Wanted:
        """After a break: what came since, and a little before, which is left out again."""
        if self._last is None:
            return self._wanted
        return Wanted(since=int(time.monotonic() - self._last.came) + 2)

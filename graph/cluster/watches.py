"""A snapshot of a namespace that is kept up to date by watches, one thread for each kind.

It outlives an API server that goes away: what was read stays, `problem` says since when it may be
old, and when the server is back everything is read anew, as it is after 410 Gone.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol, Self

from kubernetes.client.exceptions import ApiException
from kubernetes.watch import Watch

from graph.cluster.connection import Cluster
from graph.cluster.reasons.model import Object
from graph.cluster.snapshot import Kind, Snapshot, find_resources, in_order
from graph.errors import ClusterError, Unauthorized, Unreachable

# The server ends a watch after so many seconds. A connection that is silent for longer is broken.
_WATCH_SECONDS, _SILENCE_SECONDS = 60, 75
_CONNECT_SECONDS = 10
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
_GONE = 410


class Readable(Protocol):
    """What is listed and watched: a Resource of the dynamic client."""

    def get(self, **options: Any) -> Any: ...


class Watches:
    """Use it in a `with` block. Its methods are for one thread."""

    def __init__(self, cluster: Cluster, resources: Mapping[Kind, Readable] | None = None) -> None:
        """resources: the kinds to watch, by default all that the cluster serves.

        Raises ClusterError, of which NotFound without KServe.
        """
        self._namespace = cluster.namespace
        self._board = _Board()
        chosen = find_resources(cluster) if resources is None else resources
        self._followers = [
            _Follower(cluster, kind, resource, self._board) for kind, resource in chosen.items()
        ]

    def next(self, seconds: float) -> Snapshot | None:
        """The objects after a change, or after so many seconds; None before all kinds were read.

        Raises ClusterError where a kind cannot be read at all, for example without the right to.
        """
        self._board.await_change(seconds)
        objects = self._board.objects()
        if len(objects) < len(self._followers):
            return None
        return Snapshot(self._namespace, objects, datetime.now(UTC))

    @property
    def problem(self) -> str:
        """Why the objects may be old, "" where they are not."""
        return self._board.problem()

    def __enter__(self) -> Self:
        for follower in self._followers:
            follower.start()
        return self

    def __exit__(self, *_: object) -> None:
        for follower in self._followers:
            follower.stop()
        for follower in self._followers:
            follower.join()


class _Board:
    """What the threads have read, and how they are."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._version = self._seen = 0
        self._objects: dict[Kind, dict[str, Object]] = {}
        self._lost: dict[Kind, str] = {}
        self._failure: ClusterError | None = None

    def put_all(self, kind: Kind, objects: dict[str, Object]) -> None:
        def put() -> None:
            self._lost.pop(kind, None)
            self._objects[kind] = objects

        self._change(put)

    def put(self, kind: Kind, found: Object) -> None:
        self._change(lambda: self._objects[kind].update({found["metadata"]["uid"]: found}))

    def drop(self, kind: Kind, found: Object) -> None:
        self._change(lambda: self._objects[kind].pop(found["metadata"]["uid"], None))

    def lose(self, kind: Kind, problem: str) -> None:
        self._change(lambda: self._lost.update({kind: problem}))

    def fail(self, error: ClusterError) -> None:
        def put() -> None:
            self._failure = error

        self._change(put)

    def await_change(self, seconds: float) -> None:
        """Until something changed since the last time. Raises the failure of a thread."""
        with self._changed:
            self._changed.wait_for(lambda: self._version != self._seen, max(0.0, seconds))
            self._seen = self._version
            if self._failure is not None:
                raise self._failure

    def objects(self) -> dict[Kind, tuple[Object, ...]]:
        with self._changed:
            return {kind: in_order(found.values()) for kind, found in self._objects.items()}

    def problem(self) -> str:
        with self._changed:
            return next(iter(self._lost.values()), "")

    def _change(self, action: Callable[[], object]) -> None:
        with self._changed:
            action()
            self._version += 1
            self._changed.notify_all()


class _Follower:
    """Reads the objects of one kind, and then what happens to them."""

    def __init__(self, cluster: Cluster, kind: Kind, resource: Readable, board: _Board) -> None:
        self._cluster = cluster
        self._kind = kind
        self._resource = resource
        self._board = board
        self._watch = Watch()
        self._stopped = threading.Event()
        # Whether a watch was granted once.
        self._followed = False
        # A process that ends does not wait for it: a server may be silent.
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._watch.stop()

    def join(self) -> None:
        """A watch that was just about to begin has to be stopped once more."""
        end = time.monotonic() + 1
        while self._thread.is_alive() and time.monotonic() < end:
            self._watch.stop()
            self._thread.join(0.05)

    def _run(self) -> None:
        pause = _FIRST_PAUSE
        while not self._stopped.is_set():
            try:
                with self._cluster.speaking(self._kind.name):
                    version = self._list()
                    pause = _FIRST_PAUSE
                    self._follow(version)
            except ClusterError as err:
                if self._is_final(err):
                    self._board.fail(err)
                    return
                self._board.lose(self._kind, err.message)
                self._stopped.wait(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)

    def _is_final(self, err: ClusterError) -> bool:
        """An API server that is starting may know neither kinds nor rights yet; a token is old."""
        if isinstance(err, Unauthorized):
            return True
        return not isinstance(err, Unreachable) and not self._followed

    def _list(self) -> str:
        listed = self._resource.get(namespace=self._cluster.namespace, serialize=False)
        found = json.loads(listed.data)
        objects = {item["metadata"]["uid"]: item for item in found["items"]}
        self._board.put_all(self._kind, objects)
        return str(found["metadata"]["resourceVersion"])

    def _follow(self, version: str) -> None:
        """Until the versions are too old to go on from, or an error comes."""
        try:
            while not self._stopped.is_set():
                version = self._stream(version)
                self._followed = True
        except ApiException as err:
            if err.status != _GONE:
                raise

    def _stream(self, version: str) -> str:
        events = self._watch.stream(
            self._resource.get,
            namespace=self._cluster.namespace,
            resource_version=version,
            allow_watch_bookmarks=True,
            timeout_seconds=_WATCH_SECONDS,
            _request_timeout=(_CONNECT_SECONDS, _SILENCE_SECONDS),
            serialize=False,
        )
        for event in events:
            if event is None:
                # A line that was cut when the connection broke.
                break
            self._followed = True
            version = self._take(event)
        return version

    def _take(self, event: dict[str, Any]) -> str:
        found: Object = event["raw_object"]
        if event["type"] == "DELETED":
            self._board.drop(self._kind, found)
        elif event["type"] != "BOOKMARK":
            self._board.put(self._kind, found)
        return str(found["metadata"]["resourceVersion"])

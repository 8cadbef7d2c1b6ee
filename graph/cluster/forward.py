"""A port of a Service or of a pod, at a URL on this machine, for as long as a `with` block lasts.

    with connect(namespace="parley") as cluster, forward(cluster, "multilingual-chat") as url:
        ChatClient(url)

Each connection goes to a pod that is ready when it begins, so pods may be replaced meanwhile. One
that no pod takes is answered with HTTP's 503 and the reason as JSON: nothing was sent to any pod.
"""

from __future__ import annotations

import json
import random
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from websocket import WebSocketException

from graph.cluster.connection import Cluster
from graph.cluster.targets import Backend, Target, find_backends, find_target
from graph.cluster.tunnels import Tunnel, open_websocket
from graph.errors import ParleyError, ServeError

_BACKLOG = 128
_CHUNK = 1 << 16
_DRAIN_SECONDS = 2.0


@contextmanager
def forward(
    cluster: Cluster,
    name: str,
    port: int = 0,
    *,
    local_port: int = 0,
    host: str = "127.0.0.1",
    on_problem: Callable[[str], None] = lambda problem: None,
) -> Iterator[str]:
    """The local URL of `service/NAME`, `pod/NAME`, or the NAME of a Service, in the cluster's
    namespace.

    port: the Service's or the pod's, 0 for its first.  local_port: 0 for a free one.
    on_problem: told, from another thread, why a connection did not come through.
    Raises NotFound, NotReady where no pod is ready, ServeError where the local port is taken, and
    any other ClusterError: one connection is tried first.
    """
    target = find_target(cluster, name, port)
    open_websocket(cluster, random.choice(find_backends(cluster, target))).close()
    listener = _listen(host, local_port)
    forwarding = _Forwarding(cluster, target, listener, on_problem)
    forwarding.start()
    try:
        where = f"[{host}]" if ":" in host else host
        yield f"http://{where}:{listener.getsockname()[1]}"
    finally:
        forwarding.stop()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as err:
        raise ServeError(f"cannot listen on {host}:{port}: {err.strerror or err}") from err


class _Forwarding:
    """A thread that accepts, and one for each connection."""

    def __init__(
        self,
        cluster: Cluster,
        target: Target,
        listener: socket.socket,
        on_problem: Callable[[str], None],
    ) -> None:
        self._cluster = cluster
        self._target = target
        self._listener = listener
        self._on_problem = on_problem
        self._lock = threading.Lock()
        self._open: dict[socket.socket, threading.Thread] = {}
        self._stopped = False
        self._accepting = threading.Thread(target=self._accept, daemon=True)

    def start(self) -> None:
        self._accepting.start()

    def stop(self) -> None:
        """Ends every connection."""
        with self._lock:
            self._stopped = True
            ending = dict(self._open)
        for each in (self._listener, *ending):
            # It wakes whoever waits for it; some systems refuse it for a listener.
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in (self._accepting, *ending.values()):
            thread.join(_DRAIN_SECONDS)

    def _accept(self) -> None:
        while True:
            try:
                local, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(local,), daemon=True)
            with self._lock:
                if self._stopped:
                    local.close()
                    return
                self._open[local] = thread
                thread.start()

    def _serve(self, local: socket.socket) -> None:
        try:
            with local:
                problem = self._carry(local)
                if problem and not self._stopped:
                    self._on_problem(problem)
                    _refuse(local, problem)
        finally:
            with self._lock:
                self._open.pop(local, None)

    def _carry(self, local: socket.socket) -> str:
        """Why the connection did not come through, "" where it did, whatever became of it."""
        try:
            backend = random.choice(find_backends(self._cluster, self._target))
            remote = open_websocket(self._cluster, backend)
        except ParleyError as err:
            return err.message
        tunnel = Tunnel(local, remote)
        try:
            tunnel.run()
        except (WebSocketException, OSError):
            # The client sees its connection end, as with any server that goes away.
            return ""
        finally:
            remote.close()
        return _explain(tunnel.problem, backend)


def _explain(problem: str, backend: Backend) -> str:
    if not problem:
        return ""
    last = problem.strip().rpartition(": ")[2]
    return f"pod {backend.pod} does not take connections on port {backend.port}: {last}"


def _refuse(local: socket.socket, problem: str) -> None:
    body = json.dumps({"error": problem}).encode()
    lines = (
        "HTTP/1.1 503 Service Unavailable",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Retry-After: 1",
        "Connection: close",
    )
    with suppress(OSError):
        local.setblocking(True)
        local.sendall("\r\n".join((*lines, "", "")).encode() + body)
        local.shutdown(socket.SHUT_WR)
        # A socket that is closed with a request unread resets, and the answer may be lost.
        local.settimeout(_DRAIN_SECONDS)
        while local.recv(_CHUNK):
            pass

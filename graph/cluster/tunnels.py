"""One connection to a pod's port, through the API server: a WebSocket with two channels.

`kubernetes.stream.portforward` would do the same, but it swaps a method of the client that it
shares with every other thread, and a connection that the API server resets hangs in it for ever.
So only the WebSocket is that of the client library, with its credentials, TLS and proxy.
"""

from __future__ import annotations

import selectors
import socket
from dataclasses import dataclass, field

from kubernetes.client.exceptions import ApiException
from kubernetes.stream.ws_client import create_websocket, get_websocket_url
from websocket import ABNF, WebSocket, WebSocketBadStatusException, WebSocketException

from graph.cluster.connection import Cluster
from graph.cluster.targets import Backend
from graph.errors import Unreachable

_DATA, _ERROR = 0, 1
# The first message of each channel is its port.
_PORT_BYTES = 2
_CHUNK = 1 << 16
# While a client does not read, no more than this is taken from the pod.
_MOST_HELD = 1 << 20


def open_websocket(cluster: Cluster, backend: Backend) -> WebSocket:
    """A WebSocket to a pod's port. Raises ClusterError."""
    path = f"/api/v1/namespaces/{cluster.namespace}/pods/{backend.pod}/portforward"
    query = [("ports", str(backend.port))]
    _, url, headers, *_ = cluster.api.param_serialize(
        "GET", path, query_params=query, auth_settings=["BearerToken"]
    )
    with cluster.speaking(f"Pod/{backend.pod}"):
        try:
            opened: WebSocket = create_websocket(
                cluster.api.configuration, get_websocket_url(url), headers
            )
            return opened
        except WebSocketBadStatusException as err:
            raise _refusal(err) from err
        except (WebSocketException, OSError) as err:
            raise Unreachable(f"{cluster.server}: no way to pod {backend.pod}: {err}") from err


def _refusal(err: WebSocketBadStatusException) -> ApiException:
    body = (err.resp_body or b"").decode("utf-8", "replace")
    return ApiException(status=err.status_code, reason=err.status_message, body=body)


@dataclass
class Tunnel:
    """Carries bytes between a local connection and a WebSocket, until one of them ends.

    problem: why the pod's port did not take the connection, "" where it did.
    """

    local: socket.socket
    remote: WebSocket
    problem: str = ""
    _answered: bool = False
    _held: bytearray = field(default_factory=bytearray)
    _begun: set[int] = field(default_factory=set)

    def run(self) -> None:
        """Raises OSError or WebSocketException where an end breaks."""
        self.local.setblocking(False)
        with selectors.DefaultSelector() as selector:
            while self._step(selector):
                pass
        self.local.setblocking(True)
        self.local.sendall(self._held)

    def _step(self, selector: selectors.BaseSelector) -> bool:
        """Moves what there is to move; False at the end."""
        assert self.remote.sock is not None
        writing = selectors.EVENT_WRITE if self._held else 0
        _watch(selector, self.local, selectors.EVENT_READ | writing)
        room = len(self._held) < _MOST_HELD
        _watch(selector, self.remote.sock, selectors.EVENT_READ if room else 0)
        ready = {key.fileobj: events for key, events in selector.select()}
        local = ready.get(self.local, 0)
        if local & selectors.EVENT_WRITE:
            del self._held[: self.local.send(self._held)]
        if local & selectors.EVENT_READ and not self._take_local():
            return False
        return self.remote.sock not in ready or self._take_remote()

    def _take_local(self) -> bool:
        data = self.local.recv(_CHUNK)
        if data:
            self.remote.send_binary(bytes((_DATA,)) + data)
        return bool(data)

    def _take_remote(self) -> bool:
        """All frames that have come: TLS may hold several, which no selector sees."""
        while True:
            opcode, frame = self.remote.recv_data_frame(control_frame=True)
            if opcode == ABNF.OPCODE_CLOSE:
                return False
            if opcode == ABNF.OPCODE_BINARY and frame.data:
                self._sort(frame.data[0], frame.data[1:])
            pending = getattr(self.remote.sock, "pending", None)
            if self.problem or pending is None or not pending():
                return not self.problem

    def _sort(self, channel: int, data: bytes) -> None:
        if channel not in self._begun:
            self._begun.add(channel)
            data = data[_PORT_BYTES:]
        if channel == _DATA:
            self._held += data
            self._answered = self._answered or bool(data)
        elif data and not self._answered:
            self.problem = data.decode("utf-8", "replace")


def _watch(selector: selectors.BaseSelector, end: socket.socket, events: int) -> None:
    known = end in selector.get_map()
    if known and events:
        selector.modify(end, events)
    elif known:
        selector.unregister(end)
    elif events:
        selector.register(end, events)

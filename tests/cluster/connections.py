"""Real connections between pods, opened from a pod's own network, whatever its image holds.

Only on a node of the harness's own: its programs enter the network of any pod there.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.cluster.sandbox import Sandbox

# A policy that drops packets shows only by the time that passes.
SECONDS = 3
PORT = 8080
_LISTEN = f"""
import socketserver
socketserver.TCPServer(("", {PORT}), socketserver.BaseRequestHandler).serve_forever()
"""
_CONNECT = f"""
import json, socket, sys
from concurrent.futures import ThreadPoolExecutor
# The header of a DNS query, and a question for the root.
QUERY = b"\\0\\1\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0" + b"\\0\\0\\2\\0\\1"
def opens(end):
    protocol, address, port = end
    try:
        if protocol == "TCP":
            socket.create_connection((address, port), timeout={SECONDS}).close()
        else:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                sender.settimeout({SECONDS})
                sender.connect((address, port))
                sender.send(QUERY)
                sender.recv(512)
    except OSError:
        return False
    return True
with ThreadPoolExecutor(64) as pool:
    print(json.dumps(list(pool.map(opens, json.loads(sys.argv[1])))))
"""


@dataclass(frozen=True)
class End:
    """Where a pod listens. protocol: TCP, or UDP for a name server."""

    address: str
    port: int
    protocol: str = "TCP"


def opened(
    box: Sandbox, sources: Mapping[str, str], targets: Mapping[str, End]
) -> set[tuple[str, str]]:
    """Which source reaches which target. sources: addresses of pods, by their names here."""
    networks = _networks(box)
    return {
        (source, target)
        for source, address in sources.items()
        for target in _reached(box, ["nsenter", f"--net={networks[address]}"], targets)
        if targets[target].address != address
    }


def reached_from_the_node(box: Sandbox, targets: Mapping[str, End]) -> set[str]:
    """The targets that listen: no policy keeps a node from its own pods."""
    return set(_reached(box, [], targets))


def _reached(box: Sandbox, inside: list[str], targets: Mapping[str, End]) -> Iterable[str]:
    ends = json.dumps([[end.protocol, end.address, end.port] for end in targets.values()])
    answer = box.run([*inside, sys.executable, "-c", _CONNECT, ends])
    return (name for name, is_open in zip(targets, json.loads(answer), strict=True) if is_open)


def _networks(box: Sandbox) -> dict[str, str]:
    """Path of the network namespace of each pod, by its address."""
    listing = (
        "for net in /run/netns/*; do "
        'nsenter --net="$net" ip -4 -o address show dev eth0 2>/dev/null | sed "s|^|$net |"; done'
    )
    words = (line.split() for line in box.run(["sh", "-c", listing]).splitlines())
    return {found[4].partition("/")[0]: found[0] for found in words}


def listener(name: str, image: str) -> dict[str, Any]:
    """A pod that listens at `PORT`, and that the project's namespace admits."""
    container = {
        "name": "listen",
        "image": image,
        "command": ["python", "-c", _LISTEN],
        "readinessProbe": {"tcpSocket": {"port": PORT}, "periodSeconds": 1},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"automountServiceAccountToken": False, "containers": [container]},
    }

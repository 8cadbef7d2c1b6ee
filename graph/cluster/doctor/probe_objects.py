"""The objects of the probe: two pods and a NetworkPolicy, and what they run.

The server listens on two ports, of which the policy opens one. Where both answer, nobody enforces
it; where neither does, it is not the policy that keeps them apart.
"""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]
OPEN, CLOSED = 8080, 8081
_LABEL = "parley/probe"
# A plugin takes a moment to enforce a policy that is new.
_SECONDS = 8

_SERVER = f"""
import socket, threading
def serve(port):
    with socket.create_server(("", port)) as server:
        while True:
            server.accept()[0].close()
threading.Thread(target=serve, args=({CLOSED},), daemon=True).start()
serve({OPEN})
"""
_CLIENT = f"""
import json, socket, sys, time
def reaches(port):
    try:
        socket.create_connection((sys.argv[1], port), 1).close()
        return True
    except OSError:
        return False
def resolves(name):
    try:
        return bool(socket.getaddrinfo(name, 443))
    except OSError:
        return False
end = time.monotonic() + {_SECONDS}
closed = reaches({CLOSED})
while closed and time.monotonic() < end:
    time.sleep(0.5)
    closed = reaches({CLOSED})
dns = any(resolves("kubernetes.default.svc.cluster.local") for _ in range(3))
print(json.dumps({{"dns": dns, "open": reaches({OPEN}), "closed": closed}}))
"""


def server(name: str, image: str) -> Object:
    probe = {"tcpSocket": {"port": OPEN}, "periodSeconds": 1}
    return _pod(name, image, [_SERVER], {"readinessProbe": probe})


def client(name: str, image: str, address: str) -> Object:
    return _pod(name, image, [_CLIENT, address])


def policy(name: str) -> Object:
    """Only one port of the server may be reached."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name},
        "spec": {
            "podSelector": {"matchLabels": {_LABEL: name}},
            "policyTypes": ["Ingress"],
            "ingress": [{"ports": [{"protocol": "TCP", "port": OPEN}]}],
        },
    }


def _pod(name: str, image: str, arguments: list[str], more: Object | None = None) -> Object:
    """A pod that pod security `restricted` admits."""
    container = {
        "name": "probe",
        "image": image,
        "command": ["python", "-c"],
        "args": arguments,
        "resources": {
            "requests": {"cpu": "10m", "memory": "32Mi"},
            "limits": {"cpu": "500m", "memory": "64Mi"},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {_LABEL: name}},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": 0,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 10001,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [container | (more or {})],
        },
    }

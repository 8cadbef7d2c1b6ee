"""The gateway's own policies on the cluster, and clients that a polite library does not offer."""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import yaml
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

from tests.cluster.deployment import ANSWER_SECONDS, NAMESPACE, Deployment
from tests.cluster.harness import HOST_NAME
from tests.cluster.image_prefix import located_folder
from tests.cluster.kube import condition, until

FILES = Path(__file__).parent / "files" / "edge"
TURN = {"instances": [{"user_input": "Hello, how are you?"}]}
# A response comes when the gateway's own time-out has passed, 30 s after the first byte.
SOCKET_SECONDS = 45


@contextmanager
def edge(deployment: Deployment, name: str) -> Iterator[None]:
    """The embedded overlay with the components of a folder; without them again at the end."""
    kubectl = deployment.kubectl
    rendered = list(yaml.safe_load_all(kubectl("kustomize", str(FILES / name))))
    added = [item for item in rendered if item["kind"] in KINDS]
    try:
        with located_folder(FILES / name) as folder:
            kubectl("apply", "-k", str(folder))
        for item in added:
            _wait(deployment, item)
        yield
    finally:
        kubectl("delete", "--ignore-not-found", "-f", "-", stdin=yaml.safe_dump_all(added))
        deployment.apply("overlays/embedded")


KINDS = (
    "BackendTrafficPolicy",
    "ClientTrafficPolicy",
    "SecurityPolicy",
    "EnvoyProxy",
    "Gateway",
)


def _wait(deployment: Deployment, item: dict[str, Any]) -> None:
    name = f"{item['kind']}/{item['metadata']['name']}"
    until(lambda: _accepted(deployment, item), f"{name} accepted", 60)


def _accepted(deployment: Deployment, item: dict[str, Any]) -> bool:
    """Whether the gateway's controller took the object for every target; it may say no silently."""
    metadata = item["metadata"]
    live = deployment.kubectl.get(item["kind"], metadata["name"], metadata["namespace"])
    if item["kind"] == "EnvoyProxy":
        return True
    if item["kind"] == "Gateway":
        return condition(live, "Programmed") == "True"
    ancestors = live.get("status", {}).get("ancestors", [])
    return bool(ancestors) and all(
        condition({"status": ancestor}, "Accepted") == "True" for ancestor in ancestors
    )


@dataclass(frozen=True)
class RawClient:
    """HTTP/1.1 by hand. address: host and port of the gateway.  headers: of every request."""

    address: tuple[str, int]
    headers: tuple[str, ...] = ()

    def status_of(self, *headers: str, body: int = 0, sent: int | None = None) -> int:
        """The status of a POST of `body` zeros, of which only `sent` are sent; 0 without one."""
        with socket.create_connection(self.address, timeout=SOCKET_SECONDS) as connection:
            lines = (
                "POST / HTTP/1.1",
                f"Host: {HOST_NAME}",
                f"Content-Length: {body}",
                *self.headers,
                *headers,
            )
            try:
                connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
                self._send(connection, body if sent is None else sent)
            except (BrokenPipeError, ConnectionResetError):
                # The gateway has answered and does not read on.
                pass
            return _status(connection)

    def _send(self, connection: socket.socket, size: int) -> None:
        block = b"0" * (1 << 16)
        while size > 0:
            size -= connection.send(block[:size])


def _status(connection: socket.socket) -> int:
    try:
        line = connection.makefile("rb").readline()
    except ConnectionResetError:
        return 0
    return int(line.split()[1]) if line else 0


@dataclass(frozen=True)
class KeySet:
    """One RSA key: signs tokens, and is published as a JSON Web Key Set."""

    key: rsa.RSAPrivateKey = field(
        default_factory=lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048)
    )

    def published(self) -> str:
        numbers = self.key.public_key().public_numbers()
        key = {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "one"}
        key |= {"n": _base64url(_bytes(numbers.n)), "e": _base64url(_bytes(numbers.e))}
        return json.dumps({"keys": [key]})

    def token(self, **claims: Any) -> str:
        parts = ({"alg": "RS256", "kid": "one", "typ": "JWT"}, claims)
        signed = ".".join(_base64url(json.dumps(part).encode()) for part in parts)
        signature = self.key.sign(signed.encode(), PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_base64url(signature)}"


def ask(deployment: Deployment, headers: dict[str, str] | None = None) -> httpx2.Response:
    return httpx2.post(
        deployment.cluster.gateway,
        json=TURN,
        headers={"host": HOST_NAME, **(headers or {})},
        timeout=ANSWER_SECONDS,
    )


def gateway_service(deployment: Deployment, name: str, namespace: str) -> dict[str, Any]:
    owner = "gateway.envoyproxy.io/owning-gateway"
    labels = f"{owner}-name={name},{owner}-namespace={namespace}"
    (service,) = deployment.kubectl.list("service", "", labels)
    return service


def put(deployment: Deployment, kind: str, name: str, **content: Any) -> None:
    """Apply a Secret or a ConfigMap of the application's namespace."""
    metadata = {"name": name, "namespace": NAMESPACE}
    item = {"apiVersion": "v1", "kind": kind, "metadata": metadata, **content}
    deployment.kubectl.apply(json.dumps(item))


def _bytes(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

"""Who may call through the gateway, and how, by manifests/components/edge: tokens, and TLS only."""

from __future__ import annotations

import ssl
import time
from pathlib import Path

import httpx2
import pytest

from tests.certificates import certificate
from tests.cluster.deployment import ANSWER_SECONDS, GRAPH, NAMESPACE, Deployment
from tests.cluster.edge import TURN, KeySet, ask, edge, gateway_service, put
from tests.cluster.harness import HOST_NAME
from tests.cluster.kube import until

pytestmark = pytest.mark.cluster

ISSUER = "https://issuer.parley.example.com"
AUDIENCE = "multilingual-chat"


def test_without_a_token_of_its_key_set_a_turn_is_refused(deployment: Deployment) -> None:
    deployment.ensure("overlays/embedded")
    own, foreign = KeySet(), KeySet()
    put(deployment, "ConfigMap", "multilingual-chat-jwks", data={"jwks": own.published()})
    later = int(time.time()) + 600
    with edge(deployment, "tokens"):
        until(lambda: ask(deployment).status_code == 401, "a refusal without a token", 60)
        good = {"iss": ISSUER, "aud": AUDIENCE, "exp": later}
        assert ask(deployment, bearer(own.token(**good))).status_code == 200
        assert ask(deployment, bearer(foreign.token(**good))).status_code == 401
        for wrong in ({"iss": "https://other"}, {"aud": "other"}, {"exp": later - 1200}):
            answer = ask(deployment, bearer(own.token(**good | wrong)))
            assert answer.status_code in (401, 403), wrong


def test_over_tls_a_turn_is_answered_and_no_plain_door_is_left(
    deployment: Deployment, tmp_path: Path
) -> None:
    deployment.ensure("overlays/embedded")
    own, key = certificate(HOST_NAME, tmp_path)
    data = {"tls.crt": own.read_text(), "tls.key": key.read_text()}
    put(deployment, "Secret", "multilingual-chat-tls", type="kubernetes.io/tls", stringData=data)
    with edge(deployment, "tls"):
        address = secure_address(deployment)
        trusted = ssl.create_default_context(cafile=str(own))
        answer = until(lambda: over_tls(address, trusted), "an answer over TLS", 90)
        assert answer.status_code == 200
        assert ask(deployment).status_code == 404
        with pytest.raises(httpx2.TransportError):
            httpx2.get(f"http://{address[0]}:{address[1]}", headers={"host": HOST_NAME})
    until(lambda: ask(deployment).status_code == 200, "the plain door again", 60)


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def secure_address(deployment: Deployment) -> tuple[str, int]:
    gateway = deployment.kubectl.get("gateway", GRAPH)
    service = gateway_service(deployment, GRAPH, NAMESPACE)["spec"]
    (port,) = service["ports"]
    assert port["port"] == 443, "a listener besides the one for HTTPS"
    by_node = service["type"] == "NodePort"
    return gateway["status"]["addresses"][0]["value"], port["nodePort"] if by_node else 443


def over_tls(address: tuple[str, int], trusted: ssl.SSLContext) -> httpx2.Response | None:
    """An answer under the host name, whose certificate is checked by that name."""
    try:
        with httpx2.Client(verify=trusted, timeout=ANSWER_SECONDS) as client:
            return client.post(
                f"https://{address[0]}:{address[1]}",
                json=TURN,
                headers={"host": HOST_NAME},
                extensions={"sni_hostname": HOST_NAME},
            )
    except httpx2.TransportError:
        return None

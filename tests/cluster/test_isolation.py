"""Who may talk to whom on the cluster, and what the gateway does not serve."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cluster.deployment import GRAPH, NAMESPACE, PREDICTORS, Deployment, selector
from tests.cluster.kube import until
from tests.cluster.policies import Pod, may_connect

pytestmark = pytest.mark.cluster

PORT = 8080
# A connection from a pod of its own; exit code 0 where it opens, 3 where it does not.
CONNECT = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], 8080), timeout=5).close()
except OSError:
    sys.exit(3)
"""


@pytest.fixture
def pods(embedded: Deployment) -> dict[str, Pod]:
    """A live pod of every kind, and two strangers that nobody runs."""
    kubectl = embedded.kubectl
    spaces = {
        space["metadata"]["name"]: space["metadata"]["labels"]
        for space in kubectl.list("namespaces", "")
    }

    def first(role: str, namespace: str, labels: str) -> Pod:
        pod = kubectl.list("pods", namespace, labels)[0]
        where = pod["metadata"]["namespace"]
        return Pod(role, where, pod["metadata"]["labels"], spaces[where])

    gateway = "gateway.envoyproxy.io/owning-gateway-name=kserve-ingress-gateway"
    found = [
        first("gateway", "", gateway),
        first("dns", "kube-system", "k8s-app=kube-dns"),
        first("kserve", "kserve", "control-plane=kserve-controller-manager"),
        first("router", NAMESPACE, selector(GRAPH)),
        *(first(name, NAMESPACE, selector(name)) for name in PREDICTORS),
        Pod("neighbour", NAMESPACE, {"app": "neighbour"}, spaces[NAMESPACE]),
        Pod("stranger", "default", {"app": "stranger"}, spaces["default"]),
    ]
    return {pod.name: pod for pod in found}


def test_the_whole_matrix_of_pods_is_closed_but_for_the_path_of_a_turn(
    embedded: Deployment, pods: dict[str, Pod]
) -> None:
    policies = embedded.kubectl.list("networkpolicies", "")
    ours = {name for name, pod in pods.items() if pod.namespace == NAMESPACE}
    opened = {
        (source, target)
        for source in pods
        for target in pods
        if source != target and (source in ours or target in ours)
        if may_connect(pods[source], pods[target], PORT, "TCP", policies)
    }
    assert opened == {("gateway", "router"), *(("router", name) for name in PREDICTORS)}


@pytest.mark.parametrize("protocol", ["UDP", "TCP"])
def test_our_pods_reach_dns_and_nothing_reaches_ours_on_its_port(
    protocol: str, embedded: Deployment, pods: dict[str, Pod]
) -> None:
    policies = embedded.kubectl.list("networkpolicies", "")
    ours = [pod for pod in pods.values() if pod.namespace == NAMESPACE]
    for pod in ours:
        assert may_connect(pod, pods["dns"], 53, protocol, policies)
        assert not any(may_connect(other, pod, 53, protocol, policies) for other in pods.values())


def test_a_pod_outside_cannot_reach_a_predictor_where_the_network_enforces_policies(
    embedded: Deployment,
) -> None:
    """Probed with a real connection: a network that lets it through does not enforce policies."""
    (address, *_) = [pod["status"]["podIP"] for pod in embedded.pods(selector("chat"))]
    if _connects(embedded, "default", address):
        pytest.skip("this cluster's network does not enforce NetworkPolicy: connection not tried")
    assert embedded.ask({"user_input": "Hello"}).status == 200


@pytest.mark.parametrize(
    "host", ["chat-parley.example.com", "chat-predictor-parley.example.com", "chat.parley.svc"]
)
def test_a_predictor_is_not_served_at_the_gateway(host: str, embedded: Deployment) -> None:
    body = b'{"instances": [{"user_input": "Hi"}]}'
    assert embedded.post(body, host=host, path="/v1/models/chat:predict").status == 404


def test_the_graph_is_the_only_route_of_the_namespace(embedded: Deployment) -> None:
    routes = embedded.kubectl.list("httproutes", NAMESPACE)
    assert [route["metadata"]["name"] for route in routes] == [GRAPH]


def _connects(deployment: Deployment, namespace: str, address: str) -> bool:
    """Whether a pod of a namespace opens a TCP connection to a predictor's port."""
    kubectl = deployment.kubectl
    image = deployment.pods(selector("detector"))[0]["spec"]["containers"][0]["image"]
    kubectl(
        *("run", "stranger", f"--namespace={namespace}", f"--image={image}", "--restart=Never"),
        *("--command", "--", "python", "-c", CONNECT, address),
    )

    def exit_code() -> tuple[int] | None:
        state: dict[str, Any] = kubectl.get("pod", "stranger", namespace)["status"]
        ended = [c["state"].get("terminated") for c in state.get("containerStatuses", ())]
        return (ended[0]["exitCode"],) if ended and ended[0] else None

    try:
        (code,) = until(exit_code, "the end of the stranger's attempt", 60)
    finally:
        kubectl("delete", "pod", "stranger", f"--namespace={namespace}", "--now")
    assert code in (0, 3)
    return code == 0

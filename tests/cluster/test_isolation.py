"""Who may talk to whom on the cluster, by real connections, and what the gateway does not serve."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.cluster import harness
from tests.cluster.connections import PORT, End, listener, opened, reached_from_the_node
from tests.cluster.deployment import GRAPH, NAMESPACE, PREDICTORS, Deployment, selector
from tests.cluster.kube import condition

pytestmark = pytest.mark.cluster

GATEWAY = "gateway.envoyproxy.io/owning-gateway-name=kserve-ingress-gateway"
# Name here, namespace ("" is any), labels and ports of pods that are not of the project.
OTHERS = (
    ("gateway", "", GATEWAY, 10080),
    ("dns", "kube-system", "k8s-app=kube-dns", 53),
    ("kserve", "kserve", "control-plane=kserve-controller-manager", 9443),
)
# Pods that nobody runs: beside the project and outside of it.
STRANGERS = {"neighbour": NAMESPACE, "stranger": "default"}
OURS = {"router", "neighbour", *PREDICTORS}
CONNECT = f"""
import socket, sys
try:
    socket.create_connection((sys.argv[1], {PORT}), timeout=5).close()
    print("connected")
except OSError:
    print("kept away")
"""


@pytest.fixture(scope="module")
def strangers(deployment: Deployment) -> Iterator[None]:
    """A listening pod of no role in the project's namespace, and one in another."""
    deployment.ensure("overlays/embedded")
    kubectl = deployment.kubectl
    image = deployment.pods(selector("detector"))[0]["spec"]["containers"][0]["image"]
    for name, namespace in STRANGERS.items():
        kubectl.apply(json.dumps(listener(name, image)), "-n", namespace)
    for name, namespace in STRANGERS.items():
        kubectl.wait(f"pod/{name}", "condition=Ready", namespace)
    yield
    for name, namespace in STRANGERS.items():
        kubectl("delete", "pod", name, "-n", namespace, "--now", "--ignore-not-found")


def test_the_whole_matrix_of_pods_is_closed_but_for_the_path_of_a_turn(
    embedded: Deployment, strangers: None
) -> None:
    if not embedded.cluster.own:
        pytest.skip("enters the network of any pod, which only the harness's own node allows")
    box = harness.own_sandbox()
    ends = _ends(embedded)
    names = ends | {"dns by UDP": End(ends["dns"].address, 53, "UDP")}
    assert reached_from_the_node(box, names) == set(names)
    found = opened(box, {name: end.address for name, end in ends.items()}, names)
    within_or_across = {(a, b) for a, b in found if a in OURS or b in OURS}
    assert within_or_across == {
        ("gateway", "router"),
        *(("router", name) for name in PREDICTORS),
        *((name, dns) for name in OURS for dns in ("dns", "dns by UDP")),
    }


@pytest.mark.parametrize("source", STRANGERS)
def test_a_stranger_cannot_reach_a_predictor(
    source: str, embedded: Deployment, strangers: None
) -> None:
    """From within a pod, as anybody may try it on any cluster."""
    address = _ends(embedded)["chat"].address
    inside = ("exec", source, "-n", STRANGERS[source], "--", "python", "-c", CONNECT, address)
    said = embedded.kubectl(*inside).strip()
    if said == "connected" and not embedded.cluster.own:
        pytest.skip("this cluster's network does not enforce NetworkPolicy")
    assert said == "kept away"


@pytest.mark.parametrize(
    "host", ["chat-parley.example.com", "chat-predictor-parley.example.com", "chat.parley.svc"]
)
def test_a_predictor_is_not_served_at_the_gateway(host: str, embedded: Deployment) -> None:
    body = b'{"instances": [{"user_input": "Hi"}]}'
    assert embedded.post(body, host=host, path="/v1/models/chat:predict").status == 404


def test_the_graph_is_the_only_route_of_the_namespace(embedded: Deployment) -> None:
    routes = embedded.kubectl.list("httproutes", NAMESPACE)
    assert [route["metadata"]["name"] for route in routes] == [GRAPH]


def _ends(deployment: Deployment) -> dict[str, End]:
    """Where a pod of every kind listens."""
    roles = [("router", NAMESPACE, selector(GRAPH), PORT)]
    roles += [(name, NAMESPACE, selector(name), PORT) for name in PREDICTORS]
    roles += [(name, namespace, f"app={name}", PORT) for name, namespace in STRANGERS.items()]
    ends = {}
    for name, namespace, labels, port in (*OTHERS, *roles):
        pods = deployment.kubectl.list("pods", namespace, labels)
        ready = next(pod for pod in pods if condition(pod, "Ready") == "True")
        ends[name] = End(ready["status"]["podIP"], port)
    return ends

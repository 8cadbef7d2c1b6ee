"""The chat alone on a cluster: applied, called by HTTP and from Python, and deleted."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest

from graph.cli.main import main
from graph.client import ChatClient
from tests.cluster.deployment import ANSWER_SECONDS, MANIFESTS
from tests.cluster.harness import Cluster
from tests.cluster.image_prefix import located_file
from tests.cluster.kube import until

# It is reached by the gateway, whose settings other tests change.
pytestmark = [pytest.mark.cluster, pytest.mark.project]

NAMESPACE = "parley-basic-chat"
HOST = "basic-chat.parley.example.com"
PREDICT = "/v1/models/chat:predict"
QUESTION = {"user_input": "What is the capital of France?"}


def parley(cluster: Cluster, *words: str) -> int:
    return main([*words, "--kubeconfig", str(cluster.kubectl.kubeconfig)])


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(located_file(MANIFESTS / "basic-chat.yaml", tmp_path_factory.mktemp("basic")))


@pytest.fixture(scope="module")
def basic(cluster: Cluster, file: str) -> Iterator[Cluster]:
    """The chat alone, ready."""
    try:
        assert parley(cluster, "apply", file) == 0
        assert parley(cluster, "wait", "-n", NAMESPACE, "--timeout", "180") == 0
        yield cluster
    finally:
        cluster.kubectl("delete", "-f", file, "--ignore-not-found", timeout=240)


def ask(basic: Cluster, path: str = PREDICT) -> httpx2.Response:
    return httpx2.post(
        f"{basic.gateway}{path}",
        json={"instances": [QUESTION]},
        headers={"host": HOST},
        timeout=ANSWER_SECONDS,
    )


def test_it_is_called_by_http_through_its_own_route(basic: Cluster) -> None:
    until(lambda: ask(basic).status_code == 200, "an answer through the route", 60)
    assert "Paris" in ask(basic).json()["predictions"][0]["response"]
    # Of the predictor nothing but a prediction is let in.
    for path in ("/", "/v1/models/chat", "/v2/repository/models/chat/unload"):
        assert ask(basic, path).status_code == 404, path


@pytest.mark.parametrize("way", ["route", "cluster"])
def test_it_is_called_from_python_with_its_history(way: str, basic: Cluster) -> None:
    if way == "route":
        client = ChatClient(basic.gateway, host=HOST)
    else:
        client = ChatClient.cluster(NAMESPACE, kubeconfig=str(basic.kubectl.kubeconfig))
    with client:
        [first] = client.predict("chat", [QUESTION])
        second = {"user_input": "Which river flows through it?", "history": first["history"]}
        [answer] = client.predict("chat", [second])
        assert answer["history"][:2] == first["history"]
        assert len(answer["history"]) == 4
        if way == "cluster":
            assert "Paris" in client.turn(QUESTION["user_input"]).response


def test_it_is_deleted_and_nothing_is_left(basic: Cluster, file: str) -> None:
    assert parley(basic, "delete", file, "--with-namespace", "--yes") == 0
    assert not basic.kubectl.exists("namespace", NAMESPACE, "")
    until(lambda: ask(basic).status_code == 404, "the end of the route", 60)

"""Forwarded ports, on a real cluster: they carry requests, follow pods, and say what is wrong."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from graph.cluster.forward import forward
from graph.errors import Forbidden, NotFound, NotReady, ServeError
from tests.cluster import kubeconfigs, strangers
from tests.cluster.harness import Cluster
from tests.cluster.kube import until
from tests.proxy import Fault, proxied

pytestmark = pytest.mark.cluster
SERVICE = "alone-predictor"


def ask(url: str, *instances: str) -> httpx2.Response:
    return httpx2.post(f"{url}/v1/models/alone", json={"instances": instances}, timeout=30)


def test_many_connections_and_large_bodies_come_through(cluster: Cluster, chained: str) -> None:
    with strangers.connect(cluster, chained) as connected, forward(connected, SERVICE) as url:
        assert ask(url, "a").json() == {"predictions": ["a", "alone"]}
        large = "x" * 3_000_000
        assert ask(url, large).json() == {"predictions": [large, "alone"]}
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda i: ask(url, str(i)).json(), range(24)))
        assert answers == [{"predictions": [str(i), "alone"]} for i in range(24)]


def test_a_pod_that_is_replaced_is_followed(cluster: Cluster, chained: str) -> None:
    problems: list[str] = []
    pods = f"pods -l serving.kserve.io/inferenceservice=alone -n {chained}".split()
    with (
        strangers.connect(cluster, chained) as connected,
        forward(connected, SERVICE, on_problem=problems.append) as url,
    ):
        cluster.kubectl("delete", *pods, "--grace-period=0", "--force")
        # Until the next one is ready nobody is there, and the answer says so.
        answer = ask(url, "x" * 1_000_000)
        assert answer.status_code in (200, 503), answer.text
        if answer.status_code == 503:
            assert answer.headers["retry-after"] == "1"
            assert answer.json()["error"] == problems[0]
        until(lambda: ask(url, "b").status_code == 200, "an answer of the next pod", 60)


def test_a_port_that_nobody_listens_on_is_told(cluster: Cluster, chained: str) -> None:
    pods = cluster.kubectl.list("pods", chained, "serving.kserve.io/inferenceservice=alone")
    ready = next(p["metadata"]["name"] for p in pods if "deletionTimestamp" not in p["metadata"])
    with (
        strangers.connect(cluster, chained) as connected,
        forward(connected, f"pod/{ready}", 9999) as url,
    ):
        answer = ask(url, "a")
    assert answer.status_code == 503
    assert f"pod {ready} does not take connections on port 9999" in answer.json()["error"]


def test_what_cannot_be_forwarded_is_refused_at_once(cluster: Cluster, chained: str) -> None:
    with strangers.connect(cluster, chained) as connected:
        for name, port, words in (
            ("nothing", 0, 'services "nothing" not found'),
            (SERVICE, 81, f"Service {SERVICE} has no port 81; it has 80"),
            ("deployment/x", 0, "write service/NAME or pod/NAME"),
        ):
            with pytest.raises(NotFound, match=words), forward(connected, name, port):
                pass
        cluster.kubectl("create", "service", "clusterip", "empty", "--tcp=80", "-n", chained)
        with pytest.raises(NotReady, match="no pod of service empty is ready"):
            with forward(connected, "empty"):
                pass
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            with pytest.raises(ServeError, match=f"cannot listen on 127.0.0.1:{port}"):
                with forward(connected, SERVICE, local_port=port):
                    pass


def test_a_missing_right_is_named(cluster: Cluster, chained: str, tmp_path: Path) -> None:
    rules = [{"apiGroups": [""], "resources": ["services", "pods"], "verbs": ["get", "list"]}]
    limited = kubeconfigs.of_account(cluster.kubectl, chained, rules, tmp_path)
    with strangers.connect(cluster, chained, limited) as connected:
        with pytest.raises(Forbidden) as told, forward(connected, SERVICE):
            pass
    assert told.value.resource == "pods/portforward"
    assert told.value.namespace == chained


def test_an_api_server_that_goes_away_ends_connections_and_comes_back(
    cluster: Cluster, chained: str, tmp_path: Path
) -> None:
    host, port = kubeconfigs.address(cluster.kubectl)
    with proxied(port, host) as proxy:
        by_proxy = kubeconfigs.through(cluster.kubectl, proxy.port, tmp_path)
        with strangers.connect(cluster, chained, by_proxy) as connected:
            with forward(connected, SERVICE) as url:
                assert ask(url, "a").status_code == 200
                proxy.set(Fault(cut=0))
                assert ask(url, "b").status_code == 503
                proxy.set(Fault())
                until(lambda: ask(url, "c").status_code == 200, "the way back", 30)

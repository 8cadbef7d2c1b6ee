"""`parley graph trace` on a real cluster: our walk of a live graph, beside KServe's router."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from graph.cli.main import main
from graph.cluster.tracing import trace_graph
from graph.errors import NotFound
from tests.cluster import strangers
from tests.cluster.harness import Cluster
from tests.cluster.kube import until

pytestmark = pytest.mark.cluster


def test_each_step_is_shown_beside_what_the_router_answers(
    cluster: Cluster, chained: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    request = tmp_path / "request.json"
    request.write_text('{"instances": ["a"]}')
    kubeconfig = str(cluster.kubectl.kubeconfig)
    command = ["graph", "trace", "--cluster", "chain", "--request", str(request), "-n", chained]
    assert main([*command, "-o", "json", "--kubeconfig", kubeconfig]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [(step["target"], step["answered"]) for step in told["steps"]] == [
        ("first", {"predictions": ["a", "first:predict"]}),
        ("second", {"predictions": ["a", "first:predict", "second:predict"]}),
    ]
    assert told["answer"]["body"] == told["router"]["body"] == told["steps"][1]["answered"]
    assert all(step["seconds"] > 0 for step in told["steps"])


def test_a_url_inside_the_cluster_is_reached_too(cluster: Cluster, chained: str) -> None:
    made = strangers.graph("by-url", "alone")
    [step] = made["spec"]["nodes"]["root"]["steps"]
    del step["serviceName"]
    step["serviceUrl"] = f"http://alone-predictor.{chained}/v1/models/alone:predict"
    strangers.put(cluster.kubectl, chained, made)
    with strangers.connect(cluster, chained) as connected:
        until(lambda: cluster.kubectl.exists("deployment", "by-url", chained), "a router", 60)
        strangers.until_ready(cluster.kubectl, chained, "by-url")
        found = trace_graph(connected, "by-url", b'{"instances": ["a"]}')
    cluster.kubectl("delete", "inferencegraph", "by-url", "-n", chained)
    assert found.router is not None
    assert json.loads(found.answer.body) == {"predictions": ["a", "alone:predict"]}
    assert found.answer.body == found.router.body


def test_a_graph_that_is_not_there_is_told(cluster: Cluster, chained: str) -> None:
    with strangers.connect(cluster, chained) as connected:
        with pytest.raises(NotFound, match='did you mean "chain"'):
            trace_graph(connected, "chian", b"{}")

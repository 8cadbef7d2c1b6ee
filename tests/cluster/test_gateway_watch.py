"""A gateway that watches its graph on the cluster: it comes, changes and goes without a restart."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from graph.local.app import app_of
from tests.cluster import kubeconfigs, strangers
from tests.cluster.harness import Cluster
from tests.cluster.kube import until
from tests.graph.gateway.playing import Gate, Writes, local_graph

pytestmark = pytest.mark.cluster
NAME = "watched"
RIGHTS = {
    "apiGroups": ["serving.kserve.io"],
    "resources": ["inferencegraphs", "inferenceservices"],
    "verbs": ["list", "watch"],
}
MESSAGES = [{"role": "user", "content": "Bonjour, comment allez-vous aujourd'hui ?"}]


def graph(url: str) -> dict[str, Any]:
    """One step, which calls a graph of this machine: no pod needs to run for it."""
    made = strangers.graph(NAME)
    step = {"name": "all", "serviceUrl": url, "dependency": "Hard"}
    made["spec"]["nodes"]["root"]["steps"] = [step]
    return made


def words(namespace: str) -> list[str]:
    named = [f"--inference-graph={NAME}", f"--namespace={namespace}"]
    return [sys.executable, "-m", "graph.gateway", *named, "--host=127.0.0.1", "--http_port=0"]


def environ(kubeconfig: str) -> dict[str, str]:
    return {**os.environ, "KUBECONFIG": kubeconfig}


@contextmanager
def gateway(kubeconfig: str, namespace: str) -> Iterator[str]:
    """The URL of a gateway's process."""
    process = subprocess.Popen(
        words(namespace), env=environ(kubeconfig), stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    try:
        said = process.stderr.readline()
        assert said.startswith(f"graph.gateway: {namespace}/{NAME} is served at http://"), said
        yield said.rsplit(" ", 1)[1].strip().removesuffix("/v1")
        process.terminate()
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def is_ready(url: str) -> bool:
    return httpx2.get(f"{url}/readyz").status_code == 200


def answer(url: str) -> str:
    asked = {"model": NAME, "messages": MESSAGES}
    answered = httpx2.post(f"{url}/v1/chat/completions", json=asked, timeout=60)
    return str(answered.json()["choices"][0]["message"]["content"])


def test_a_graph_that_comes_changes_and_goes_is_followed(
    cluster: Cluster, space: str, serve_app: Callable[[Any], str], tmp_path: Path
) -> None:
    """With no more rights than a gateway needs."""
    first, second = (
        serve_app(app_of(Gate(local_graph(Writes(reply))).local))
        for reply in (lambda said: "One is here.", lambda said: "Another one.")
    )
    account = kubeconfigs.of_account(cluster.kubectl, space, [RIGHTS], tmp_path)
    with gateway(account, space) as url:
        assert not is_ready(url)
        strangers.put(cluster.kubectl, space, graph(first))
        until(lambda: is_ready(url), "the graph", 30)
        assert answer(url) == "fr:One is here."
        strangers.put(cluster.kubectl, space, graph(second))
        until(lambda: answer(url) == "fr:Another one.", "the graph as it is now", 30)
        cluster.kubectl("delete", "inferencegraph", NAME, "-n", space)
        until(lambda: not is_ready(url), "the end of the graph", 30)
        assert answer(url) == "fr:Another one."


def test_a_gateway_without_the_right_to_watch_ends_with_one_line(
    cluster: Cluster, space: str, tmp_path: Path
) -> None:
    account = kubeconfigs.of_account(cluster.kubectl, space, [], tmp_path)
    ended = subprocess.run(
        words(space), env=environ(account), capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 1
    *_, line = ended.stderr.splitlines()
    assert "list" in line and "serving.kserve.io" in line
    assert "Traceback" not in ended.stderr

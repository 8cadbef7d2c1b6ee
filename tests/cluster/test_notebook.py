"""The notebook runs from top to bottom on a cluster, by the one line that chooses it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cluster.harness import Cluster
from tests.notebook import execute

pytestmark = pytest.mark.cluster

# As the notebook has it.
NAMESPACE = "notebook"


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """Its namespace, which is not there before, and not after it either."""
    if not cluster.own and cluster.kubectl.exists("namespace", NAMESPACE, ""):
        pytest.fail(f"namespace {NAMESPACE} is on that cluster already; the test would delete it")
    _delete(cluster)
    yield NAMESPACE
    _delete(cluster)


def test_it_runs_from_top_to_bottom_on_a_cluster(
    namespace: str,
    cluster: Cluster,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    started = time.monotonic()
    done = execute(tmp_path, {"KUBECONFIG": str(cluster.kubectl.kubeconfig)}, on_cluster=True)
    record_property("seconds of the notebook", round(time.monotonic() - started))
    assert done.value("french-turn")[0] == "fr" and done.value("french-turn")[1]
    # The function of handles and KServe's router decide alike, and the models say the same.
    assert done.value("french-reply") == done.value("french-turn")
    assert len(done.value("french-reply")[2]) == 4
    assert all(done.value("translate"))
    assert not cluster.kubectl.exists("namespace", namespace, "")


def _delete(cluster: Cluster) -> None:
    cluster.kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found", timeout=240)

"""The notebook runs from top to bottom on a cluster, by the one line that chooses it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.cluster.harness import Cluster
from tests.cluster.image_prefix import prefix
from tests.notebook import execute

pytestmark = pytest.mark.cluster


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """A name for a namespace, which the notebook makes and deletes."""
    name = f"notebook-{uuid4().hex[:8]}"
    yield name
    cluster.kubectl("delete", "namespace", name, "--ignore-not-found", "--wait=false")


def test_it_runs_from_top_to_bottom_on_a_cluster(
    namespace: str,
    cluster: Cluster,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    started = time.monotonic()
    found_by = {"KUBECONFIG": str(cluster.kubectl.kubeconfig)}
    done = execute(tmp_path, found_by, namespace, prefix())
    record_property("seconds of the notebook", round(time.monotonic() - started))
    assert done.value("french-turn")[0] == "fr" and done.value("french-turn")[1]
    # The function of handles and KServe's router decide alike, and the models say the same.
    assert done.value("french-reply") == done.value("french-turn")
    assert len(done.value("french-reply")[2]) == 4
    assert all(done.value("translate"))
    phase = ("get", "namespace", namespace, "--ignore-not-found", "-o", "jsonpath={.status.phase}")
    assert cluster.kubectl(*phase) in ("", "Terminating")

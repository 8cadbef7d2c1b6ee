"""A start of the harness's own cluster that ends early leaves nothing. Before the cluster is up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster import harness, node, sandbox
from tests.cluster.kube import until

pytestmark = pytest.mark.cluster

HARNESS = [sys.executable, "-m", "tests.cluster.harness"]


@pytest.fixture
def nothing_up() -> None:
    if os.environ.get("KUBECONFIG"):
        pytest.skip("KUBECONFIG names a cluster, and none of the harness's own is started")
    if sandbox.find(harness.STATE):
        pytest.skip("a node of the harness's own is up already")
    sandbox.destroy(harness.STATE)
    if node.missing_packages():
        pytest.skip("the Debian packages of a node are not installed")


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_a_start_that_ends_early_leaves_nothing(ending: signal.Signals, nothing_up: None) -> None:
    """By Ctrl-C all goes at once; what a killed start leaves, `down` removes."""
    folders = {folder: Path(folder).exists() for folder in sandbox.PRIVATE_FOLDERS}
    with subprocess.Popen(
        [*HARNESS, "up"],
        stderr=subprocess.PIPE,
        text=True,
        # A job in the background of a shell would pass on that it ignores Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as start:
        begun = harness.STATE / "logs" / "kubelet.log"
        until(lambda: begun.exists() or start.poll() is not None, "a kubelet", 3000)
        start.send_signal(ending)
        said = start.communicate(timeout=120)[1]
    assert start.returncode != 0, said
    if ending is signal.SIGKILL:
        assert sandbox.remains(harness.STATE)
        subprocess.run([*HARNESS, "down"], check=True, timeout=120)
    assert sandbox.remains(harness.STATE) == []
    assert {folder: Path(folder).exists() for folder in sandbox.PRIVATE_FOLDERS} == folders

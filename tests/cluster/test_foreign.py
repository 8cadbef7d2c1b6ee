"""These tests on a cluster of somebody else's: the harness's own, by another file, from a registry.

They are run as their user runs them, in a process of its own, without the programs that were built.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from predictors.images import catalogue as images
from tests.cluster import kubeconfigs
from tests.cluster.deployment import Deployment
from tests.cluster.registry import OPEN, Registry

pytestmark = pytest.mark.cluster

Done = subprocess.CompletedProcess[str]
Run = Callable[..., Done]
PREFIX = f"{OPEN}/somebody"
# One with the chat alone, one with the whole graph, one with small services, one that is skipped.
CHOSEN = (
    "tests/cluster/test_basic_chat.py",
    "tests/cluster/test_answers.py::test_languages_are_detected_and_answered_in",
    "tests/cluster/test_doctor.py",
    "tests/cluster/test_scheduling.py",
)


@pytest.fixture
def run(deployment: Deployment, registry: Registry, tmp_path: Path) -> Iterator[Run]:
    """Runs chosen tests on a cluster where this run has left nothing."""
    deployment.clear()
    config = tmp_path / "somebody's"
    config.write_text(yaml.safe_dump(kubeconfigs.read(deployment.kubectl)))
    (tmp_path / "kubectl").symlink_to(deployment.kubectl.program)
    environ = {
        "HOME": str(tmp_path),
        "KUBECONFIG": str(config),
        "PARLEY_GATEWAY": deployment.cluster.gateway,
    }

    def start(prefix: str, *chosen: str, path: str = str(tmp_path)) -> Done:
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-m", "cluster", "-p", "no:cacheprovider", *chosen],
            env=environ | {"IMAGE_PREFIX": prefix, "PATH": path},
            cwd=images.ROOT,
            capture_output=True,
            text=True,
            timeout=600,
        )

    yield start


def test_chosen_tests_pass_there_and_those_of_our_own_node_are_skipped_by_name(
    run: Run, registry: Registry
) -> None:
    for image in images.EMBEDDED:
        registry.push(f"localhost/{image.name}", f"somebody/{image.name}", os.environ)
    done = run(PREFIX, *CHOSEN)
    assert done.returncode == 0, done.stdout + done.stderr
    skipped = [line for line in done.stdout.splitlines() if line.startswith("SKIPPED")]
    assert any("only a node of the harness's own" in line for line in skipped)


def test_images_that_are_not_there_are_one_line_before_any_test(run: Run) -> None:
    done = run(f"{OPEN}/nowhere", *CHOSEN)
    assert done.returncode == 3
    said = [line for line in done.stdout.splitlines() if "cannot run on that cluster" in line]
    assert len(said) == 1, done.stdout
    for image in images.EMBEDDED:
        assert f"image {OPEN}/nowhere/{image.name} is not found" in said[0]
    assert f"`make images PUSH={OPEN}/nowhere` pushes them" in said[0]
    assert " passed" not in done.stdout and " failed" not in done.stdout


def test_without_kubectl_it_is_one_line_and_nothing_is_built(run: Run, tmp_path: Path) -> None:
    done = run(PREFIX, *CHOSEN, path="/nowhere")
    assert (done.returncode, "no kubectl on the PATH" in done.stdout) == (3, True), done.stdout
    assert not (tmp_path / ".cache").exists()

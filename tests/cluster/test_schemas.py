"""Every object of every overlay passes `kubeconform -strict` with the cluster's own schemas."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cluster import schemas
from tests.cluster.deployment import MANIFESTS
from tests.cluster.harness import Cluster

pytestmark = pytest.mark.cluster

OVERLAYS = sorted(
    str(path.parent.relative_to(MANIFESTS))
    for path in MANIFESTS.rglob("kustomization.yaml")
    if "components" not in path.parts
)
Check = Callable[[str], "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def check(
    cluster: Cluster, program: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Check:
    folder = tmp_path_factory.mktemp("schemas")
    document = json.loads(cluster.kubectl("get", "--raw", "/openapi/v2"))
    template = schemas.write(document, folder)
    command = [
        str(program("kubeconform")),
        "-strict",
        "-summary",
        f"-schema-location={template}",
        "-",
    ]
    return lambda text: subprocess.run(
        command, input=text, capture_output=True, text=True, timeout=120
    )


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_conforms(overlay: str, cluster: Cluster, check: Check) -> None:
    done = check(cluster.kubectl("kustomize", str(MANIFESTS / overlay)))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Skipped: 0" in done.stdout


@pytest.mark.parametrize(
    ("path", "right", "wrong"),
    [
        ("base/graph.yaml", "dependency: Hard", "dependancy: Hard"),
        ("base/chat.yaml", "minReplicas: 1", "minReplicas: one"),
        ("base/chat-pdb.yaml", "maxUnavailable: 1", "maxUnavailble: 1"),
        ("base/httproute.yaml", "hostnames:", "hostname:"),
    ],
)
def test_a_mistake_is_found(path: str, right: str, wrong: str, check: Check) -> None:
    text = (MANIFESTS / path).read_text()
    assert check(text).returncode == 0
    assert check(text.replace(right, wrong)).returncode == 1

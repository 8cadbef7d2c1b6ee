from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster import binaries

MANIFESTS = Path(__file__).parents[2] / "manifests"
Objects = list[dict[str, Any]]


@pytest.fixture(scope="session")
def render() -> Callable[[str], str]:
    """Renders a folder of manifests/ with kustomize; skips, by name, where there is none."""
    command = kustomize_command(os.environ)
    if command is None:
        pytest.skip("no kubectl or kustomize found: run `python -m tests.cluster.binaries kubectl`")

    def render_folder(folder: str) -> str:
        done = subprocess.run(
            [*command, str(MANIFESTS / folder)], capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return render_folder


@pytest.fixture(scope="session")
def objects(render: Callable[[str], str]) -> Callable[[str], Objects]:
    return lambda folder: list(yaml.safe_load_all(render(folder)))


def kustomize_command(environ: Mapping[str, str]) -> list[str] | None:
    """The cached kubectl first, so that the rendering is that of a pinned version."""
    kubectl = binaries.cached("kubectl", environ) or shutil.which("kubectl")
    if kubectl:
        return [str(kubectl), "kustomize"]
    kustomize = shutil.which("kustomize")
    return [kustomize, "build"] if kustomize else None

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
def kustomize() -> list[str]:
    """The command that renders a folder; skips, by name, where there is none and no Go to build it.

    A cold build of kubectl takes some minutes, once; `tests.cluster.binaries` keeps it.
    """
    if kustomize_command(os.environ) is None and shutil.which("go") is None:
        pytest.skip("no kubectl or kustomize found, and no Go to build kubectl")
    return kustomize_command(os.environ) or built_command(os.environ)


@pytest.fixture(scope="session")
def render(kustomize: list[str]) -> Callable[[str], str]:
    """Renders a folder of manifests/."""

    def render_folder(folder: str) -> str:
        done = subprocess.run(
            [*kustomize, str(MANIFESTS / folder)], capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return render_folder


@pytest.fixture(scope="session")
def objects(render: Callable[[str], str]) -> Callable[[str], Objects]:
    return lambda folder: list(yaml.safe_load_all(render(folder)))


@pytest.fixture
def program(kustomize: list[str], tmp_path: Path) -> Path:
    """A folder for the PATH that holds nothing but the program that renders."""
    folder = tmp_path / "bin"
    folder.mkdir()
    name = "kubectl" if kustomize[1] == "kustomize" else "kustomize"
    (folder / name).symlink_to(Path(kustomize[0]).resolve())
    return folder


def kustomize_command(environ: Mapping[str, str]) -> list[str] | None:
    """The cached kubectl first, so that the rendering is that of a pinned version."""
    kubectl = binaries.cached("kubectl", environ) or shutil.which("kubectl")
    if kubectl:
        return [str(kubectl), "kustomize"]
    found = shutil.which("kustomize")
    return [found, "build"] if found else None


def built_command(environ: Mapping[str, str]) -> list[str]:
    return [str(binaries.build(["kubectl"], environ)["kubectl"]), "kustomize"]

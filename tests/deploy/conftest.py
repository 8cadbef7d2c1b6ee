from __future__ import annotations

import functools
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.deploy.chart import Chart
from tests.deploy.render import MANIFESTS, built_command, folder_with, kustomize_command
from tests.deploy.rendered import Objects
from tests.tools import binaries


@pytest.fixture(scope="session")
def kustomize() -> list[str]:
    """The command that renders a folder; skips, by name, where there is none and no Go to build it.

    A cold build of kubectl takes some minutes, once; `tests.tools.binaries` keeps it.
    """
    if kustomize_command(os.environ) is None and shutil.which("go") is None:
        _cannot_run("no kubectl or kustomize found, and no Go to build kubectl")
    return kustomize_command(os.environ) or built_command(os.environ)


@pytest.fixture(scope="session")
def render(kustomize: list[str]) -> Callable[[str], str]:
    """Renders a folder of manifests/, each once."""

    @functools.cache
    def render_folder(folder: str) -> str:
        done = subprocess.run(
            [*kustomize, str(MANIFESTS / folder)], capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return render_folder


@pytest.fixture(scope="session")
def objects(render: Callable[[str], str]) -> Callable[[str], Objects]:
    return functools.cache(lambda folder: list(yaml.safe_load_all(render(folder))))


@pytest.fixture
def kustomized(
    kustomize: list[str], tmp_path: Path
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs kustomize on the embedded overlay with components of manifests/components."""

    def run(*components: str) -> subprocess.CompletedProcess[str]:
        # kustomize takes relative paths only.
        up = "../" * len(tmp_path.resolve().parts[1:])
        manifests = up + str(MANIFESTS.resolve())[1:]
        content = {
            "resources": [f"{manifests}/overlays/embedded"],
            "components": [f"{manifests}/components/{name}" for name in components],
        }
        (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(content))
        command = [*kustomize, str(tmp_path)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    return run


@pytest.fixture
def compose(kustomized: Callable[..., subprocess.CompletedProcess[str]]) -> Callable[..., Objects]:
    """The objects of the embedded overlay with components."""

    def composed(*components: str) -> Objects:
        done = kustomized(*components)
        assert done.returncode == 0, done.stderr
        return list(yaml.safe_load_all(done.stdout))

    return composed


@pytest.fixture
def program(kustomize: list[str], tmp_path: Path) -> Path:
    """A folder for the PATH that holds nothing but the program that renders."""
    return folder_with(kustomize, tmp_path / "bin")


def _program(name: str) -> Path:
    """A pinned program, built where the cache lacks it; skips, by name, where there is no Go."""
    found = binaries.cached(name, os.environ)
    if found is None and shutil.which("go") is None:
        _cannot_run(f"no {name} in the cache, and no Go to build it")
    return found or binaries.build([name], os.environ)[name]


@pytest.fixture(scope="session")
def chart() -> Chart:
    """The chart by Helm 3."""
    return Chart(_program("helm"))


@pytest.fixture(scope="session", params=["helm", "helm4"])
def either_helm(request: pytest.FixtureRequest) -> Chart:
    """The chart by Helm 3 and by Helm 4."""
    return Chart(_program(request.param))


@pytest.fixture(scope="session")
def kubeconform() -> Path:
    return _program("kubeconform")


@pytest.fixture(scope="session")
def helm4() -> Path:
    return _program("helm4")


def _cannot_run(reason: str) -> None:
    """Skips by name; fails in CI, where nothing may be left out."""
    (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)

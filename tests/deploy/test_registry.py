"""Images from a registry: the overlay that the README shows, and that of the tests on a cluster."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.image_prefix import located, located_folder, located_text
from tests.deploy.render import MANIFESTS
from tests.deploy.rendered import OVERLAYS, Objects, only, predictors

PREFIX = "registry.example.com/parley"
MINE: tuple[str, str]
[MINE] = re.findall(
    r"```yaml\n# (manifests/overlays/mine/\S+)\n(.*?)```",
    (MANIFESTS / "README.md").read_text(),
    re.S,
)
Render = Callable[[Path], Objects]


@pytest.fixture
def render_at(kustomize: list[str]) -> Render:
    """Renders a folder wherever it is."""

    def render(folder: Path) -> Objects:
        done = subprocess.run([*kustomize, str(folder)], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return list(yaml.safe_load_all(done.stdout))

    return render


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """The README's own overlay, in a copy of the manifests."""
    shutil.copytree(MANIFESTS, tmp_path / "manifests")
    place, text = MINE
    folder = (tmp_path / place).parent
    folder.mkdir()
    (tmp_path / place).write_text(text)
    return folder


def images(pod: dict[str, Any]) -> set[str]:
    return {c["image"] for key in ("initContainers", "containers") for c in pod.get(key, ())}


def test_the_overlay_of_the_readme_names_a_registry_and_a_secret_for_every_predictor(
    mine: Path, render_at: Render
) -> None:
    found = predictors(render_at(mine))
    assert len(found) == 4
    for pod in found.values():
        assert all(image.startswith(f"{PREFIX}/parley-") for image in images(pod))
        assert pod["imagePullSecrets"] == [{"name": "registry"}]
    # The tags are those of the overlay below it.
    assert images(found["chat"]) == {f"{PREFIX}/parley-chat:0.1.0-embedded"}


def test_the_component_reaches_the_job_and_every_predictor_of_a_volume(
    mine: Path, render_at: Render
) -> None:
    file = mine / "kustomization.yaml"
    file.write_text(file.read_text().replace("../embedded", "../cpu"))
    rendered = render_at(mine)
    pods = [only(rendered, "Job")["spec"]["template"]["spec"], *predictors(rendered).values()]
    assert [pod["imagePullSecrets"] for pod in pods] == [[{"name": "registry"}]] * 5


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_tests_take_every_image_of_an_overlay_from_their_prefix(
    overlay: str, objects: Callable[[str], Objects], render_at: Render, monkeypatch: Any
) -> None:
    plain = objects(overlay)
    assert located_text(yaml.safe_dump_all(plain)) == yaml.safe_dump_all(plain)
    monkeypatch.setenv("IMAGE_PREFIX", f"{PREFIX}/")
    with located_folder(MANIFESTS / overlay) as folder:
        moved = render_at(folder)
    ours = list(yaml.safe_load_all(located_text(yaml.safe_dump_all(plain))))
    for item in (*moved, *ours):
        if item["kind"] == "Job":
            # It ends with a hash of what the Job does, which kustomize makes last.
            item["metadata"]["name"] = "parley-models"
    assert moved == ours
    for name, pod in predictors(moved).items():
        assert images(pod) == {located(image) for image in images(predictors(plain)[name])}
        assert all(image.startswith(f"{PREFIX}/parley-") for image in images(pod))

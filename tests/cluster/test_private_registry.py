"""The whole chat from a private registry, by the kustomization of the README and by the chart."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from predictors.images import catalogue as images
from tests.cluster.deployment import MANIFESTS, NAMESPACE, PREDICTORS, Deployment, selector
from tests.cluster.helm import Release
from tests.cluster.kube import until
from tests.cluster.registry import PRIVATE, Registry

pytestmark = pytest.mark.cluster

SECRET = "registry"
README = (MANIFESTS / "README.md").read_text()
# The example whose first line is its place, and the registry that it names.
MINE: tuple[str, str]
[MINE] = re.findall(r"```yaml\n# (manifests/overlays/mine/\S+)\n(.*?)```", README, re.S)
EXAMPLE = "registry.example.com/parley"
FRENCH = {"user_input": "Bonjour, comment vas-tu ?"}


@pytest.fixture(scope="module")
def pushed(registry: Registry) -> str:
    """The images of the embedded chat at the private door; their prefix."""
    for image in images.EMBEDDED:
        registry.push(f"localhost/{image.name}", f"parley/{image.name}", os.environ)
    return f"{PRIVATE}/parley"


@pytest.fixture
def mine(pushed: str, tmp_path: Path) -> Path:
    """The README's own overlay, in a copy of the manifests."""
    shutil.copytree(MANIFESTS, tmp_path / "manifests")
    place, text = MINE
    folder = (tmp_path / place).parent
    folder.mkdir()
    assert EXAMPLE in text
    (tmp_path / place).write_text(text.replace(EXAMPLE, pushed))
    return folder


@contextmanager
def with_login(deployment: Deployment, registry: Registry) -> Iterator[None]:
    """The project's namespace, with the Secret and nothing else; gone at the end."""
    deployment.clear()
    deployment.kubectl("apply", "-k", str(MANIFESTS / "namespace"))
    deployment.kubectl.apply(json.dumps(registry.login(SECRET)), "-n", NAMESPACE)
    try:
        yield
    finally:
        deployment.clear("overlays/embedded")


def pulled_from(deployment: Deployment, name: str) -> str:
    """The registry and path of a running pod's image.

    It is on the node under this name only when it was pulled from there. Its digest may be shown
    with the name by which another test pulled the same.
    """
    [pod] = deployment.pods(selector(name))
    assert pod["status"]["containerStatuses"][0]["imageID"]
    return str(pod["spec"]["containers"][0]["image"]).rpartition("/")[0]


def test_the_chat_runs_from_it_by_the_overlay_of_the_readme(
    deployment: Deployment, registry: Registry, mine: Path, pushed: str
) -> None:
    with with_login(deployment, registry):
        deployment.kubectl("apply", "-k", str(mine))
        deployment.wait()
        assert {pulled_from(deployment, name) for name in PREDICTORS} == {pushed}


def test_the_models_job_pulls_by_the_same_component(
    deployment: Deployment, registry: Registry, mine: Path, pushed: str
) -> None:
    """A small image stands for the one with torch; it has nothing that the Job could run."""
    detector = images.Image("detector").name
    registry.push(f"localhost/{detector}", f"parley/{images.MODELS.name}", os.environ)
    overlay = yaml.safe_load((mine / "kustomization.yaml").read_text())
    overlay["resources"] = ["../cpu"]
    overlay["images"].append({"name": "parley-models", "newName": f"{pushed}/parley-models"})
    (mine / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
    rendered = yaml.safe_load_all(deployment.kubectl("kustomize", str(mine)))
    [job] = (item for item in rendered if item["kind"] == "Job")
    for volume in job["spec"]["template"]["spec"]["volumes"]:
        if volume.pop("persistentVolumeClaim", None):
            volume["emptyDir"] = {}
    with with_login(deployment, registry):
        deployment.kubectl.apply(json.dumps(job))
        image = until(lambda: begun(deployment), "the Job's container", 90)
    assert image.startswith(f"{pushed}/parley-models:")


def begun(deployment: Deployment) -> str | None:
    """The image of the Job's container, once it is there."""
    for pod in deployment.pods("app.kubernetes.io/component=models"):
        for status in pod["status"].get("containerStatuses", ()):
            if status["imageID"]:
                return str(pod["spec"]["containers"][0]["image"])
    return None


def test_the_chart_takes_its_images_and_its_secret_by_two_values(
    deployment: Deployment, registry: Registry, pushed: str, program: Callable[[str], Path]
) -> None:
    release = Release(program("helm"), deployment.kubectl)
    with with_login(deployment, registry):
        release.install("embedded", {"image": {"registry": pushed, "pullSecrets": [SECRET]}})
        until(lambda: deployment.ask(FRENCH).status == 200, "a French answer", 300)
        names = [f"parley-{name}" for name in PREDICTORS]
        assert {pulled_from(deployment, name) for name in names} == {pushed}
        release.uninstall()

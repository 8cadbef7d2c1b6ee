"""The chart with weights from a volume: pods wait for the Job, and other models run another one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from predictors.images import catalogue as images
from tests.cluster import harness
from tests.cluster.deployment import Deployment
from tests.cluster.helm import Release
from tests.cluster.kube import condition, until
from tests.cluster.model_hub import ENDPOINT, VOLUME, model_hub
from tests.tools import binaries

pytestmark = pytest.mark.cluster

FRENCH = {"user_input": "Bonjour, comment allez-vous ?"}
# The harness's node has two cores.
SMALL = {"resources": {"requests": {"cpu": "100m", "memory": "512Mi"}}}
VALUES: dict[str, Any] = {
    "translator": SMALL,
    "chat": SMALL,
    "weights": {"hub": {"endpoint": ENDPOINT}},
}
IN_FLOATS = VALUES | {"weights": {**VALUES["weights"], "quantizations": ["int8", "float32"]}}


@pytest.fixture(scope="module")
def release(deployment: Deployment, pytestconfig: pytest.Config) -> Iterator[Release]:
    """The chart with its profile for CPUs, answering with what its Job fetched and converted."""
    if not deployment.cluster.own:
        pytest.skip("fills a disk of the node, which only a node of the harness's own may be asked")
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        harness.load_project((*images.PLAIN, images.MODELS), os.environ)
    deployment.clear()
    made = Release(binaries.build(["helm"], os.environ)["helm"], deployment.kubectl)
    with model_hub(deployment.kubectl):
        try:
            made.install("cpu", VALUES)
            until(lambda: deployment.ask(FRENCH).status == 200, "a French answer", 600)
            yield made
        finally:
            deployment.kubectl("delete", "namespace", made.namespace, timeout=300)


def test_pods_have_waited_and_none_has_failed(release: Release) -> None:
    pods = release.kubectl.list("pods", release.namespace, "component=predictor")
    waited = [pod["metadata"]["name"] for pod in pods if pod["status"].get("initContainerStatuses")]
    assert len(waited) == 3
    for pod in pods:
        for status in pod["status"]["containerStatuses"]:
            assert status["restartCount"] == 0, pod["metadata"]["name"]


def test_other_models_run_another_job(release: Release) -> None:
    before = jobs(release)
    release.upgrade("cpu", IN_FLOATS)
    (name,) = until(lambda: jobs(release) - before or None, "another Job", 60)
    until(lambda: is_complete(release, name), f"the end of {name}", 300)
    kinds = {path.name.rsplit("-", 2)[-2] for path in (VOLUME / "converted").iterdir()}
    assert kinds == {"int8", "float32"}
    until(lambda: not before & jobs(release), "the end of the old Job", 60)


def test_what_is_uninstalled_leaves_the_claim_alone(release: Release) -> None:
    """The last test of this file: the release is gone after it."""
    said = release.uninstall()
    assert "parley-models" in said
    kinds = "inferencegraphs,inferenceservices,jobs,networkpolicies,httproutes,pods"
    label = f"app.kubernetes.io/instance={release.name}"
    until(lambda: not release.kubectl.list(kinds, release.namespace, label), "its end", 180)
    (claim,) = release.kubectl.list("persistentvolumeclaims", release.namespace)
    assert claim["metadata"]["name"] == "parley-models"


def jobs(release: Release) -> set[str]:
    return {job["metadata"]["name"] for job in release.kubectl.list("jobs", release.namespace)}


def is_complete(release: Release, name: str) -> bool:
    return condition(release.kubectl.get("job", name, release.namespace), "Complete") == "True"

"""The overlay for CPUs on the cluster, with small checkpoints from a stand-in hub on its volume."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from predictors.images import catalogue as images
from tests.cluster import harness
from tests.cluster.deployment import NAMESPACE, Deployment
from tests.cluster.kube import condition, until
from tests.cluster.model_hub import model_hub

FROM_HUB = "../tests/cluster/files/from-hub"
JOB = "app.kubernetes.io/component=models"


def load_images(times: dict[str, float]) -> None:
    """Build the images of the volume's Job and servers, and load them into our own node."""
    started = time.monotonic()
    harness.load_project((*images.PLAIN, images.MODELS), os.environ)
    times["building and loading the images, the one with torch too"] = seconds_since(started)


@contextmanager
def filled(deployment: Deployment, times: dict[str, float]) -> Iterator[Deployment]:
    """The overlay, answering with the models that its Job pulled and converted."""
    kubectl = deployment.kubectl
    deployment.clear()
    with model_hub(kubectl):
        try:
            started = time.monotonic()
            deployment.apply(FROM_HUB)
            until_complete(deployment)
            times["from apply to the end of the Job"] = seconds_since(started)
            started = time.monotonic()
            # Pods that found no model yet have waited for it.
            kubectl.wait("inferenceservice --all", "condition=Ready", NAMESPACE, 300)
            deployment.wait()
            times["from then to the first answer"] = seconds_since(started)
            yield deployment
        finally:
            deployment.clear()


def until_complete(deployment: Deployment) -> None:
    """Until the Job has done its work; at once an error, with what it said, when it fails."""

    def ended() -> str | None:
        (job,) = deployment.kubectl.list("jobs", NAMESPACE)
        return next((c for c in ("Complete", "Failed") if condition(job, c) == "True"), None)

    try:
        how = until(ended, "the end of the Job", 300)
    except TimeoutError:
        how = "not ended"
    if how != "Complete":
        said = deployment.kubectl(
            "logs", f"--selector={JOB}", "-n", NAMESPACE, "--tail=20", both=True
        )
        pytest.fail(f"the Job that fills the volume has {how}: {said}")


def seconds_since(started: float) -> float:
    return round(time.monotonic() - started, 1)

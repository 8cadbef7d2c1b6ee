"""A stand-in for the model hub on the cluster, and a disk of the node for what is fetched."""

from __future__ import annotations

import shutil
import string
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from predictors.images import catalogue as images
from tests.cluster.harness import STATE
from tests.cluster.kube import Kubectl

FILES = Path(__file__).parent / "files"
VOLUME = STATE / "models"
ENDPOINT = "http://hub.model-hub.svc.cluster.local:443"


@contextmanager
def model_hub(kubectl: Kubectl) -> Iterator[Path]:
    """The hub, answering; gives the folder that the claim `parley-models` is on."""
    VOLUME.mkdir()
    hub = string.Template((FILES / "hub.yaml").read_text()).substitute(checkout=images.ROOT)
    try:
        kubectl.apply((FILES / "volume.yaml").read_text())
        kubectl.apply(hub)
        kubectl.wait("pod/hub", "condition=Ready", "model-hub", 180)
        yield VOLUME
    finally:
        kubectl("delete", "-f", "-", "--ignore-not-found", stdin=hub)
        kubectl("delete", "-f", str(FILES / "volume.yaml"), "--ignore-not-found")
        shutil.rmtree(VOLUME)

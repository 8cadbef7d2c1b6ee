"""Optional parts of a cluster, such as metrics-server: put on it for some tests, and taken off.

Their manifests lie in the Go modules that they are built from.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.kube import Kubectl
from tests.cluster.system_images import ProgramImage

Object = dict[str, Any]
# Two cores carry the whole cluster.
_RESOURCES = {"requests": {"cpu": "20m", "memory": "64Mi"}}


def render(kubectl: Kubectl, folder: Path) -> list[Object]:
    """The objects of a kustomize folder."""
    return list(yaml.safe_load_all(kubectl("kustomize", str(folder))))


def run_image(objects: Sequence[Object], deployment: str, image: ProgramImage) -> Object:
    """Have a Deployment run one small pod of an image that is made here; its container."""
    (found,) = (
        item
        for item in objects
        if item["kind"] == "Deployment" and item["metadata"]["name"] == deployment
    )
    found["spec"]["replicas"] = 1
    container: Object
    (container,) = found["spec"]["template"]["spec"]["containers"]
    container |= {"image": image.name, "imagePullPolicy": "Never", "resources": _RESOURCES}
    container.pop("command", None)
    container["readinessProbe"] |= {"initialDelaySeconds": 1, "periodSeconds": 1}
    return container


@contextmanager
def installed(kubectl: Kubectl, objects: Sequence[Object]) -> Iterator[None]:
    """The objects on the cluster, until the block ends."""
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
    try:
        kubectl.apply(text)
        yield
    finally:
        kubectl("delete", "--ignore-not-found", "-f", "-", stdin=text, timeout=180)

"""metrics-server, from which autoscalers read the CPU of pods."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from tests.cluster import harness, parts
from tests.cluster.harness import Cluster
from tests.cluster.kube import Kubectl, condition, until
from tests.cluster.parts import Object
from tests.cluster.system_images import ProgramImage
from tests.tools import binaries
from tests.tools.programs import METRICS_SERVER

IMAGE = ProgramImage(
    f"registry.k8s.io/metrics-server/metrics-server:{METRICS_SERVER}",
    "metrics-server",
    "/metrics-server",
)
_API = "v1beta1.metrics.k8s.io"
_SETTINGS = (
    # The harness's kubelets sign their own certificates.
    "--kubelet-insecure-tls",
    # As often as it allows, which is no more often than it waits for a kubelet.
    "--metric-resolution=10s",
    "--kubelet-request-timeout=5s",
)


@contextmanager
def served(cluster: Cluster, environ: Mapping[str, str]) -> Iterator[None]:
    """A cluster that tells what its pods use. metrics-server that was there before stays."""
    kubectl = cluster.kubectl
    if kubectl.exists("apiservice", _API, ""):
        yield
        return
    if not cluster.own:
        pytest.skip("needs metrics-server, which only a cluster of the harness's own is given")
    harness.load_parts([IMAGE], environ)
    with parts.installed(kubectl, _objects(kubectl, environ)):
        until(lambda: _answers(kubectl), "metrics of pods", 120)
        yield


def _objects(kubectl: Kubectl, environ: Mapping[str, str]) -> list[Object]:
    source = binaries.module_folder("sigs.k8s.io/metrics-server", METRICS_SERVER, environ)
    objects = parts.render(kubectl, source / "manifests" / "base")
    container = parts.run_image(objects, "metrics-server", IMAGE)
    known = {setting.partition("=")[0] for setting in _SETTINGS}
    kept = [arg for arg in container["args"] if arg.partition("=")[0] not in known]
    container["args"] = [*kept, *_SETTINGS]
    return objects


def _answers(kubectl: Kubectl) -> bool:
    if condition(kubectl.get("apiservice", _API, ""), "Available") != "True":
        return False
    found = json.loads(kubectl("get", "--raw", "/apis/metrics.k8s.io/v1beta1/pods"))
    return bool(found["items"])
